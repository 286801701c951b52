// The features of every module, as tables.
#pragma once

#include "registers.h"
#include "scene.h"

// What the other camera's exposure output, the pulse generator and actions are called in TriggerSource.
enum TriggerSource : int64_t { SOFTWARE, LINE0, LINE2, ACTION1, ACTION2 };
enum Line : int64_t { INPUT_LINE, OUTPUT_LINE, PULSE_LINE };

struct CameraIdentity {
  std::string id, serial, model;
  bool is_color;
};

struct Chunk {
  std::string name;  // of the entry of ChunkSelector; the feature is called Chunk + name
  uint64_t id;
};
const std::vector<Chunk>& chunks();

std::vector<Feature> camera_features(const CameraIdentity& identity, const Scene& scene);
std::vector<Feature> system_features();
std::vector<Feature> interface_features();
std::vector<Feature> device_features(const CameraIdentity& identity);
std::vector<Feature> stream_features(const CameraIdentity& identity);
