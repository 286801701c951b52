#include "tables.h"

#include <cstring>

#include "sensor.h"

namespace {

constexpr double HUGE_COUNT = 9e15;  // the largest whole number that a double holds exactly, nearly

// A feature that is being described; names follow SFNC 2.7 and GenTL SFNC 1.1.
struct Draft : Feature {
  Draft(const char* feature_name, Kind of_kind, const char* in_category, const char* text_about) {
    name = feature_name;
    kind = of_kind;
    category = in_category;
    about = text_about;
    visibility = "Expert";
    is_standard = std::strncmp(feature_name, "Simulator", 9) != 0;
  }
  Draft& range(double minimum, double maximum, double increment = 1) {
    limits = {minimum, maximum, increment};
    return *this;
  }
  Draft& start(double value) { initial = value; return *this; }
  Draft& in(const char* of_unit) { unit = of_unit; return *this; }
  Draft& rule(int of_rules) { rules = of_rules; return *this; }
  Draft& seen_by(const char* who) { visibility = who; return *this; }
  Draft& by(const char* selected_by) { selector = selected_by; return *this; }
  Draft& says(const std::string& value) { text = value; rules |= READ_ONLY; return *this; }
  Draft& one_of(std::vector<Entry> choices) { entries = std::move(choices); return *this; }
  Draft& counted(const std::vector<const char*>& names) {
    for (const char* entry : names) entries.push_back({entry, static_cast<int64_t>(entries.size())});
    return *this;
  }
  Draft& chunk(uint64_t id) { chunk_id = id; rules |= READ_ONLY; return *this; }
};

Draft whole(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::Integer, category, about).range(0, HUGE_COUNT);
}
Draft real(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::Float, category, about);
}
Draft flag(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::Boolean, category, about);
}
Draft choice(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::Enumeration, category, about);
}
Draft command(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::Command, category, about);
}
Draft words(const char* name, const char* category, const char* about) {
  return Draft(name, Kind::String, category, about);
}

void add_device_control(std::vector<Feature>& all, const CameraIdentity& identity) {
  const char* in = "DeviceControl";
  all.push_back(words("DeviceVendorName", in, "Name of the manufacturer.").says("CycleRig").seen_by("Beginner"));
  all.push_back(words("DeviceModelName", in, "Model of the device.").says(identity.model).seen_by("Beginner"));
  all.push_back(words("DeviceManufacturerInfo", in, "Information about the device.")
                    .says("Simulated camera before the virtual rig's scene"));
  all.push_back(words("DeviceVersion", in, "Version of the device.").says("1.0").seen_by("Beginner"));
  all.push_back(words("DeviceFirmwareVersion", in, "Version of the firmware.").says("1.0").seen_by("Beginner"));
  all.push_back(words("DeviceSerialNumber", in, "Serial number.").says(identity.serial).seen_by("Beginner"));
  all.push_back(words("DeviceUserID", in, "Name that the user gave to the device.").seen_by("Beginner"));
  all.push_back(whole("DeviceSFNCVersionMajor", in, "Major version of SFNC.").start(2).rule(READ_ONLY));
  all.push_back(whole("DeviceSFNCVersionMinor", in, "Minor version of SFNC.").start(7).rule(READ_ONLY));
  all.push_back(whole("DeviceSFNCVersionSubMinor", in, "Sub minor version of SFNC.").rule(READ_ONLY));
  all.push_back(choice("DeviceScanType", in, "Scan type of the sensor.").counted({"Areascan"}).rule(READ_ONLY));
  all.push_back(command("DeviceReset", in, "Turns the device off and on again; it is gone meanwhile."));
  all.push_back(choice("DeviceIndicatorMode", in, "What the lights on the device show.")
                    .counted({"Inactive", "Active", "ErrorStatus"}).start(1).rule(KEPT).seen_by("Beginner"));
  all.push_back(choice("DeviceLinkThroughputLimitMode", in, "Whether the bandwidth of the stream is limited.")
                    .counted({"Off", "On"}).start(1).rule(FROZEN | KEPT));
  all.push_back(whole("DeviceLinkThroughputLimit", in, "Most bytes per second that the device streams.")
                    .range(1'000'000, 125'000'000, 1).start(125'000'000).in("Bps").rule(FROZEN | KEPT));
  all.push_back(whole("Timestamp", in, "The device's clock.").in("ns").rule(READ_ONLY));
  all.push_back(command("TimestampReset", in, "Sets the device's clock to 0."));
  all.push_back(command("TimestampLatch", in, "Latches the clock into TimestampLatchValue."));
  all.push_back(whole("TimestampLatchValue", in, "The clock at the last TimestampLatch.").in("ns").rule(READ_ONLY));
}

void add_image_format(std::vector<Feature>& all, const CameraIdentity& identity, const Scene& scene) {
  const char* in = "ImageFormatControl";
  const double width = scene.width(), height = scene.height();
  all.push_back(whole("SensorWidth", in, "Width of the sensor.").start(width).in("px").rule(READ_ONLY));
  all.push_back(whole("SensorHeight", in, "Height of the sensor.").start(height).in("px").rule(READ_ONLY));
  all.push_back(whole("WidthMax", in, "Largest width of an image.").start(width).in("px").rule(READ_ONLY));
  all.push_back(whole("HeightMax", in, "Largest height of an image.").start(height).in("px").rule(READ_ONLY));
  all.push_back(whole("Width", in, "Width of the image.").range(8, width, 4).start(width).in("px")
                    .rule(FROZEN | KEPT).seen_by("Beginner"));
  all.push_back(whole("Height", in, "Height of the image.").range(8, height, 2).start(height).in("px")
                    .rule(FROZEN | KEPT).seen_by("Beginner"));
  all.push_back(whole("OffsetX", in, "Columns from the sensor's left to the image's.").range(0, 0, 4).in("px")
                    .rule(KEPT).seen_by("Beginner"));
  all.push_back(whole("OffsetY", in, "Rows from the sensor's top to the image's.").range(0, 0, 2).in("px")
                    .rule(KEPT).seen_by("Beginner"));
  std::vector<Entry> formats;
  for (const PixelFormat& format : pixel_formats(identity.is_color)) formats.push_back({format.name, format.code});
  all.push_back(choice("PixelFormat", in, "Format of the pixels.").one_of(formats)
                    .start(static_cast<double>(formats[0].value)).rule(FROZEN | KEPT).seen_by("Beginner"));
  all.push_back(choice("PixelColorFilter", in, "Colour filter before the sensor.")
                    .one_of({{"None", 0}, {"BayerRG", 1}}).start(identity.is_color).rule(READ_ONLY));
}

void add_acquisition(std::vector<Feature>& all, const SensorRecord& sensor) {
  const char* in = "AcquisitionControl";
  all.push_back(choice("AcquisitionMode", in, "How many frames an acquisition has.")
                    .counted({"Continuous", "SingleFrame", "MultiFrame"}).rule(FROZEN | KEPT).seen_by("Beginner"));
  all.push_back(command("AcquisitionStart", in, "Starts the acquisition.").seen_by("Beginner"));
  all.push_back(command("AcquisitionStop", in, "Stops the acquisition.").seen_by("Beginner"));
  all.push_back(whole("AcquisitionFrameCount", in, "Number of frames of MultiFrame.").range(1, 65535).start(1)
                    .rule(FROZEN | KEPT).seen_by("Beginner"));
  all.push_back(flag("AcquisitionFrameRateEnable", in, "Whether AcquisitionFrameRate holds.").start(1).rule(KEPT));
  all.push_back(real("AcquisitionFrameRate", in, "Frames per second while no trigger is used.")
                    .range(0.5, 1000).start(15).in("Hz").rule(KEPT).seen_by("Beginner"));
  all.push_back(real("AcquisitionResultingFrameRate", in, "Highest frame rate that exposure, readout and link allow.")
                    .in("Hz").rule(READ_ONLY));
  all.push_back(choice("TriggerSelector", in, "The trigger that is configured.").counted({"FrameStart"}).seen_by("Beginner"));
  all.push_back(choice("TriggerMode", in, "Whether the trigger is used.").counted({"Off", "On"}).by("TriggerSelector")
                    .rule(KEPT).seen_by("Beginner"));
  all.push_back(command("TriggerSoftware", in, "Gives a software trigger.").seen_by("Beginner"));
  all.push_back(choice("TriggerSource", in,
                       "Where the trigger comes from. Line0 is wired to Line1 of the other camera, Line2 to a pulse "
                       "generator.")
                    .one_of({{"Software", SOFTWARE}, {"Line0", LINE0}, {"Line2", LINE2}, {"Action1", ACTION1},
                             {"Action2", ACTION2}})
                    .by("TriggerSelector").rule(KEPT).seen_by("Beginner"));
  all.push_back(choice("TriggerActivation", in, "Edge of the line that counts.")
                    .counted({"RisingEdge", "FallingEdge", "AnyEdge"}).by("TriggerSelector").rule(KEPT).seen_by("Beginner"));
  all.push_back(real("TriggerDelay", in, "Time from the trigger to the exposure.").range(0, 1'000'000).in("µs")
                    .by("TriggerSelector").rule(KEPT));
  all.push_back(choice("ExposureMode", in, "How the exposure is controlled.").counted({"Timed"}).seen_by("Beginner"));
  all.push_back(choice("ExposureAuto", in, "Whether the camera finds ExposureTime by itself.")
                    .counted({"Off", "Once", "Continuous"}).rule(KEPT).seen_by("Beginner"));
  all.push_back(real("ExposureTime", in, "Exposure time.").range(20, 1'000'000).start(sensor.exposure_us).in("µs")
                    .rule(KEPT).seen_by("Beginner"));
}

void add_analog(std::vector<Feature>& all, const CameraIdentity& identity, const SensorRecord& sensor) {
  const char* in = "AnalogControl";
  all.push_back(real("Gain", in, "Amplification.").range(0, 24).start(sensor.gain_db).in("dB").rule(KEPT).seen_by("Beginner"));
  all.push_back(real("BlackLevel", in, "Offset of the signal before the curve, in steps of 12 bits.").range(0, 255)
                    .in("DN").rule(KEPT));
  if (identity.is_color) {
    all.push_back(choice("BalanceRatioSelector", in, "The colour that BalanceRatio is for.").counted({"Red", "Blue"}).seen_by("Beginner"));
    all.push_back(choice("BalanceWhiteAuto", in, "Whether the camera finds BalanceRatio by itself: gray on average.")
                      .counted({"Off", "Once", "Continuous"}).rule(KEPT).seen_by("Beginner"));
    all.push_back(real("BalanceRatio", in, "Gain of the colour relative to green.").range(0.5, 4).start(1)
                      .by("BalanceRatioSelector").rule(KEPT).seen_by("Beginner"));
  }
  all.push_back(real("Gamma", in, "Exponent of the curve from light to values.").range(0.25, 1).start(sensor.gamma)
                    .rule(KEPT).seen_by("Beginner"));
}

void add_lines(std::vector<Feature>& all) {
  const char* in = "DigitalIOControl";
  all.push_back(choice("LineSelector", in, "The line that is configured.")
                    .one_of({{"Line0", INPUT_LINE}, {"Line1", OUTPUT_LINE}, {"Line2", PULSE_LINE}}));
  all.push_back(choice("LineMode", in, "Direction of the line; Line1 can be either, the others are inputs.")
                    .counted({"Input", "Output"}).by("LineSelector").rule(KEPT));
  all.push_back(flag("LineInverter", in, "Inverts the signal of the line.").by("LineSelector").rule(KEPT));
  all.push_back(flag("LineStatus", in, "State of the line.").rule(READ_ONLY));
  all.push_back(choice("LineSource", in, "What an output shows.").counted({"Off", "ExposureActive"})
                    .by("LineSelector").rule(KEPT));
}

void add_actions(std::vector<Feature>& all) {
  const char* in = "ActionControl";
  all.push_back(whole("ActionDeviceKey", in, "Key that an action command must carry.").range(0, 4294967295.0)
                    .rule(WRITE_ONLY).seen_by("Guru"));
  all.push_back(whole("ActionSelector", in, "The action that is configured.").range(1, 2).start(1).seen_by("Guru"));
  all.push_back(whole("ActionGroupKey", in, "Key of the action's group.").range(0, 4294967295.0)
                    .by("ActionSelector").rule(KEPT).seen_by("Guru"));
  all.push_back(whole("ActionGroupMask", in, "Groups of which the action is part.").range(0, 4294967295.0)
                    .by("ActionSelector").rule(KEPT).seen_by("Guru"));
}

void add_user_sets(std::vector<Feature>& all) {
  const char* in = "UserSetControl";
  all.push_back(choice("UserSetSelector", in, "The user set to load or save.")
                    .counted({"Default", "UserSet0", "UserSet1"}).seen_by("Beginner"));
  all.push_back(command("UserSetLoad", in, "Loads the user set.").rule(FROZEN).seen_by("Beginner"));
  all.push_back(command("UserSetSave", in, "Saves the settings; Default cannot be overwritten.").seen_by("Beginner"));
  all.push_back(choice("UserSetDefault", in, "The user set to load at power-up.")
                    .counted({"Default", "UserSet0", "UserSet1"}).seen_by("Beginner"));
}

void add_chunks(std::vector<Feature>& all, const CameraIdentity& identity) {
  const char* in = "ChunkDataControl";
  all.push_back(flag("ChunkModeActive", in, "Sends chunks along with each image.").rule(FROZEN | KEPT));
  std::vector<Entry> entries;
  for (const Chunk& chunk : chunks()) entries.push_back({chunk.name, static_cast<int64_t>(entries.size())});
  all.push_back(choice("ChunkSelector", in, "The chunk that is configured.").one_of(entries));
  all.push_back(flag("ChunkEnable", in, "Whether the chunk is sent.").start(1).by("ChunkSelector").rule(FROZEN | KEPT));
  uint64_t id = chunks().front().id;
  all.push_back(whole("ChunkFrameID", in, "Running number of the frame.").chunk(id++));
  all.push_back(whole("ChunkTimestamp", in, "The device's clock as the exposure began.").in("ns").chunk(id++));
  all.push_back(real("ChunkExposureTime", in, "Exposure time of the frame.").in("µs").chunk(id++));
  all.push_back(real("ChunkGain", in, "Amplification of the frame.").in("dB").chunk(id++));
  all.push_back(real("ChunkBlackLevel", in, "Black level of the frame.").in("DN").chunk(id++));
  all.push_back(whole("ChunkOffsetX", in, "OffsetX of the frame.").in("px").chunk(id++));
  all.push_back(whole("ChunkOffsetY", in, "OffsetY of the frame.").in("px").chunk(id++));
  all.push_back(whole("ChunkWidth", in, "Width of the frame.").in("px").chunk(id++));
  all.push_back(whole("ChunkHeight", in, "Height of the frame.").in("px").chunk(id++));
  Draft format = choice("ChunkPixelFormat", in, "Pixel format of the frame.").chunk(id++);
  for (const PixelFormat& known : pixel_formats(identity.is_color)) format.entries.push_back({known.name, known.code});
  all.push_back(format);
}

void add_transport(std::vector<Feature>& all) {
  all.push_back(whole("PayloadSize", "TransportLayerControl", "Bytes of one frame.").in("B").rule(READ_ONLY));
  all.push_back(whole("TLParamsLocked", "TransportLayerControl", "Set by the transport layer while it streams.")
                    .range(0, 1).seen_by("Invisible"));
  const char* in = "PtpControl";
  all.push_back(flag("PtpEnable", in, "Takes part in IEEE 1588: the first camera is master, the other follows."));
  all.push_back(choice("PtpStatus", in, "State of the PTP port at the last PtpDataSetLatch.")
                    .counted({"Disabled", "Listening", "Uncalibrated", "Master", "Slave"}).rule(READ_ONLY));
  all.push_back(whole("PtpOffsetFromMaster", in, "Offset from the master at the last PtpDataSetLatch.").in("ns").rule(READ_ONLY));
  all.push_back(command("PtpDataSetLatch", in, "Latches the state of PTP."));
}

void add_simulator(std::vector<Feature>& all) {
  const char* in = "SimulatorControl";
  auto guru = [&](Draft draft) { all.push_back(draft.seen_by("Guru")); };
  guru(flag("SimulatorBoard", in, "Holds the calibration board before the rig. Both cameras see the same."));
  guru(real("SimulatorPulseRate", in, "Rate of the pulse generator at Line2 of both cameras; 0: off.").range(0, 1000).in("Hz"));
  guru(real("SimulatorClockDrift", in, "How much too fast the device's clock runs.").range(-1000, 1000).in("ppm"));
  guru(real("SimulatorClockStepSize", in, "What SimulatorClockStep adds to the clock.").range(-1e6, 1e6).start(37).in("s"));
  guru(command("SimulatorClockStep", in, "Lets the device's clock jump."));
  guru(whole("SimulatorLoseFrames", in, "So many of the next frames get lost; counts down.").range(0, 1e6));
  guru(real("SimulatorFrameLoss", in, "Share of the frames that get lost.").range(0, 100).in("%"));
  guru(whole("SimulatorLosePackets", in, "So many of the next frames arrive incomplete; counts down.").range(0, 1e6));
  guru(real("SimulatorPacketLoss", in, "Share of the frames that arrive incomplete.").range(0, 100).in("%"));
  guru(whole("SimulatorDelayFrames", in, "So many of the next frames arrive late; counts down.").range(0, 1e6));
  guru(real("SimulatorDelay", in, "How late they are.").range(0, 10'000).start(200).in("ms"));
  guru(real("SimulatorHangFetch", in, "The next fetch hangs for so long, whatever its time-out.").range(0, 3600).in("s"));
  guru(real("SimulatorAbsence", in, "How long the device is gone after SimulatorVanish.").range(0, 3600).start(3).in("s"));
  guru(command("SimulatorVanish", in, "Unplugs the device; it returns after SimulatorAbsence and must be opened anew."));
  guru(command("SimulatorCrash", in, "Crashes the library, and the process that has loaded it."));
  guru(whole("SimulatorMissedTriggers", in, "Triggers that came too early for the sensor, since the acquisition began.").rule(READ_ONLY));
}

}  // namespace

const std::vector<Chunk>& chunks() {
  static const std::vector<Chunk> all = {
      {"FrameID", 0x1001},  {"Timestamp", 0x1002}, {"ExposureTime", 0x1003}, {"Gain", 0x1004},
      {"BlackLevel", 0x1005}, {"OffsetX", 0x1006}, {"OffsetY", 0x1007},      {"Width", 0x1008},
      {"Height", 0x1009},   {"PixelFormat", 0x100A},
  };
  return all;
}

std::vector<Feature> camera_features(const CameraIdentity& identity, const Scene& scene) {
  const SensorRecord& sensor = scene.sensor(identity.is_color);
  std::vector<Feature> all;
  add_device_control(all, identity);
  add_image_format(all, identity, scene);
  add_acquisition(all, sensor);
  add_analog(all, identity, sensor);
  add_lines(all);
  add_actions(all);
  add_user_sets(all);
  add_chunks(all, identity);
  add_transport(all);
  add_simulator(all);
  return all;
}

std::vector<Feature> system_features() {
  const char* in = "SystemInformation";
  return {
      words("TLID", in, "Identifier of the producer.").says("CycleRigSimulator"),
      words("TLVendorName", in, "Vendor of the producer.").says("CycleRig"),
      words("TLModelName", in, "Name of the producer.").says("CycleRig simulator"),
      words("TLVersion", in, "Version of the producer.").says("1.0"),
      choice("TLType", in, "Transport layer.").one_of({{"Custom", 1}}).start(1).rule(READ_ONLY),
      whole("GenTLVersionMajor", in, "Major version of GenTL.").start(1).rule(READ_ONLY),
      whole("GenTLVersionMinor", in, "Minor version of GenTL.").start(5).rule(READ_ONLY),
  };
}

std::vector<Feature> interface_features() {
  const char* in = "InterfaceInformation";
  const char* actions = "ActionControl";
  return {
      words("InterfaceID", in, "Identifier of the interface.").says("CycleRigBench"),
      choice("InterfaceType", in, "Transport layer.").one_of({{"Custom", 1}}).start(1).rule(READ_ONLY),
      whole("ActionDeviceKey", actions, "Key of the devices that shall act.").range(0, 4294967295.0),
      whole("ActionGroupKey", actions, "Key of the group that shall act.").range(0, 4294967295.0),
      whole("ActionGroupMask", actions, "Groups that shall act.").range(0, 4294967295.0).start(4294967295.0),
      flag("ActionScheduledTimeEnable", actions, "Whether devices wait for ActionScheduledTime."),
      whole("ActionScheduledTime", actions, "When to act, by the devices' own clocks.").in("ns"),
      command("ActionCommand", actions, "Sends the action command."),
  };
}

std::vector<Feature> device_features(const CameraIdentity& identity) {
  const char* in = "DeviceInformation";
  return {
      words("DeviceID", in, "Identifier of the device.").says(identity.id),
      words("DeviceVendorName", in, "Vendor of the device.").says("CycleRig"),
      words("DeviceModelName", in, "Model of the device.").says(identity.model),
      words("DeviceSerialNumber", in, "Serial number of the device.").says(identity.serial),
      choice("DeviceType", in, "Transport layer.").one_of({{"Custom", 1}}).start(1).rule(READ_ONLY),
  };
}

std::vector<Feature> stream_features(const CameraIdentity& identity) {
  const char* in = "StreamInformation";
  const char* counts = "StreamStatistics";
  return {
      words("StreamID", in, "Identifier of the stream.").says(identity.id + "_Stream"),
      choice("StreamType", in, "Transport layer.").one_of({{"Custom", 1}}).start(1).rule(READ_ONLY),
      choice("StreamBufferHandlingMode", in, "Which buffers are delivered.").counted({"OldestFirst"}).rule(READ_ONLY),
      whole("StreamDeliveredFrameCount", counts, "Frames delivered since the acquisition began.").rule(READ_ONLY),
      whole("StreamLostFrameCount", counts, "Frames for which no buffer was queued.").rule(READ_ONLY),
      whole("StreamAnnouncedBufferCount", counts, "Buffers announced.").rule(READ_ONLY),
      whole("StreamInputBufferCount", counts, "Buffers that wait to be filled.").rule(READ_ONLY),
      whole("StreamOutputBufferCount", counts, "Buffers that wait to be fetched.").rule(READ_ONLY),
  };
}
