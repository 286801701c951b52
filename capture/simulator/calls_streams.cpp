// GenTL's functions for streams, buffers and events.

#include "calls.h"

// -- events

GENTL GCRegisterEvent(void* source, int32_t type, void** event) {
  return guarded([&](Lock&) {
    Handle& handle = of_handle<Handle>(source);
    Stream* stream = dynamic_cast<Stream*>(&handle);
    if (type != EVENT_NEW_BUFFER || stream == nullptr)
      throw Failure{GC_ERR_NOT_IMPLEMENTED, "This module has no such event."};
    if (stream->event) throw Failure{GC_ERR_RESOURCE_IN_USE, "The event is registered already."};
    void*& result = needed(event);
    stream->event = std::make_unique<BufferEvent>(*stream);
    result = handle_of(*stream->event);
  });
}

GENTL GCUnregisterEvent(void* source, int32_t type) {
  return guarded([&](Lock& lock) {
    Stream& stream = of_handle<Stream>(source);
    if (type != EVENT_NEW_BUFFER || !stream.event)
      throw Failure{GC_ERR_INVALID_PARAMETER, "No such event is registered."};
    close_event(stream, lock);
  });
}

GENTL EventGetData(void* event, void* buffer, size_t* size, uint64_t timeout_ms) {
  return guarded([&](Lock& lock) {
    BufferEvent& waiting = of_handle<BufferEvent>(event);
    if (needed(size) < sizeof(EVENT_NEW_BUFFER_DATA))
      throw Failure{GC_ERR_BUFFER_TOO_SMALL, "The buffer is too small for the event."};
    struct Guest {
      World& world;
      BufferEvent& event;
      Guest(World& of, BufferEvent& at) : world(of), event(at) { ++world.waiting, ++event.waiters; }
      ~Guest() {
        --world.waiting, --event.waiters;
        world.changed.notify_all();
      }
    } guest(*the_world, waiting);
    Buffer& filled = waiting.stream.fetch(waiting, timeout_ms, lock);
    const EVENT_NEW_BUFFER_DATA data{handle_of(filled), filled.user};
    std::memcpy(&needed(static_cast<char*>(buffer)), &data, sizeof data);
    *size = sizeof data;
  });
}

GENTL EventGetDataInfo(void* event, const void* in, size_t in_size, int32_t question, INFO_DATATYPE* type, void* out,
                       size_t* out_size) {
  return guarded([&](Lock&) {
    of_handle<BufferEvent>(event);
    if (in == nullptr || in_size < sizeof(EVENT_NEW_BUFFER_DATA))
      throw Failure{GC_ERR_INVALID_PARAMETER, "This is not the data of an event."};
    EVENT_NEW_BUFFER_DATA data;
    std::memcpy(&data, in, sizeof data);
    const Answer answer{type, out, out_size};
    if (question == EVENT_DATA_ID) return answer.pointer(data.BufferHandle);
    if (question == EVENT_DATA_VALUE) return answer.pointer(data.pUserPointer);
    no_such_question();
  });
}

GENTL EventGetInfo(void* event, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    const BufferEvent& known = of_handle<BufferEvent>(event);
    const Answer answer{type, buffer, size};
    switch (question) {
      case EVENT_EVENT_TYPE: return answer.int32(EVENT_NEW_BUFFER);
      case EVENT_NUM_IN_QUEUE: return answer.count(known.stream.output.size());
      case EVENT_NUM_FIRED: return answer.uint64(known.fired);
      case EVENT_SIZE_MAX: return answer.count(sizeof(EVENT_NEW_BUFFER_DATA));
      case EVENT_INFO_DATA_SIZE_MAX: return answer.count(sizeof(void*));
      default: no_such_question();
    }
  });
}

GENTL EventFlush(void* event) {
  return guarded([&](Lock&) { of_handle<BufferEvent>(event).stream.discard_output(); });
}

GENTL EventKill(void* event) {
  return guarded([&](Lock&) {
    ++of_handle<BufferEvent>(event).kills;
    the_world->changed.notify_all();
  });
}

// -- streams

GENTL DSClose(void* stream) {
  return guarded([&](Lock& lock) { close_stream(of_handle<Stream>(stream).device, lock); });
}

GENTL DSGetParentDev(void* stream, void** device) {
  return guarded([&](Lock&) { needed(device) = handle_of(of_handle<Stream>(stream).device); });
}

GENTL DSGetInfo(void* stream, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) { answer_stream(of_handle<Stream>(stream), question, {type, buffer, size}); });
}

GENTL DSAnnounceBuffer(void* stream, void* memory, size_t size, void* user, void** buffer) {
  return guarded([&](Lock&) {
    Stream& known = of_handle<Stream>(stream);
    needed(buffer) = handle_of(known.announce(&needed(static_cast<char*>(memory)), size, user));
  });
}

GENTL DSAllocAndAnnounceBuffer(void* stream, size_t size, void* user, void** buffer) {
  return guarded([&](Lock&) { needed(buffer) = handle_of(of_handle<Stream>(stream).announce(nullptr, size, user)); });
}

GENTL DSRevokeBuffer(void* stream, void* buffer, void** memory, void** user) {
  return guarded([&](Lock& lock) {
    of_handle<Stream>(stream).revoke(of_handle<Buffer>(buffer), lock, memory, user);
  });
}

GENTL DSQueueBuffer(void* stream, void* buffer) {
  return guarded([&](Lock&) { of_handle<Stream>(stream).queue(of_handle<Buffer>(buffer)); });
}

GENTL DSFlushQueue(void* stream, int32_t operation) {
  return guarded([&](Lock& lock) { of_handle<Stream>(stream).flush(operation, lock); });
}

GENTL DSStartAcquisition(void* stream, int32_t, uint64_t frames) {
  return guarded([&](Lock&) { of_handle<Stream>(stream).start(frames); });
}

GENTL DSStopAcquisition(void* stream, int32_t) {
  return guarded([&](Lock& lock) { of_handle<Stream>(stream).stop(lock); });
}

GENTL DSGetBufferID(void* stream, uint32_t index, void** buffer) {
  return guarded([&](Lock&) {
    Stream& known = of_handle<Stream>(stream);
    if (index >= known.buffers.size()) throw Failure{GC_ERR_INVALID_INDEX, "There are fewer buffers."};
    needed(buffer) = handle_of(*known.buffers[index]);
  });
}

GENTL DSGetBufferInfo(void* stream, void* buffer, int32_t question, INFO_DATATYPE* type, void* out, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    answer_buffer(of_handle<Buffer>(buffer), question, {type, out, size});
  });
}

GENTL DSGetBufferChunkData(void* stream, void* buffer, SINGLE_CHUNK_DATA* data, size_t* count) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    const Buffer& known = of_handle<Buffer>(buffer);
    if (known.chunks.empty()) throw Failure{GC_ERR_NO_DATA, "The frame has no chunks."};
    size_t& room = needed(count);
    if (data != nullptr) {
      if (room < known.chunks.size()) throw Failure{GC_ERR_BUFFER_TOO_SMALL, "There are more chunks."};
      std::memcpy(data, known.chunks.data(), known.chunks.size() * sizeof *data);
    }
    room = known.chunks.size();
  });
}

GENTL DSGetNumBufferParts(void* stream, void* buffer, uint32_t* count) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    of_handle<Buffer>(buffer);
    needed(count) = 0;  // the payload is one image
  });
}

GENTL DSGetBufferPartInfo(void* stream, void* buffer, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    of_handle<Buffer>(buffer);
    throw Failure{GC_ERR_INVALID_INDEX, "The buffer has no parts."};
  });
}

// -- GenTL 1.6, asked for by consumers of that version: buffers here have neither segments nor flows

namespace {
GC_ERROR not_implemented() { return failed(GC_ERR_NOT_IMPLEMENTED, "The function is not implemented."); }
}  // namespace

GENTL DSAnnounceCompositeBuffer(void*, size_t, void**, size_t*, void*, void**) { return not_implemented(); }
GENTL DSGetNumFlows(void*, uint32_t*) { return not_implemented(); }
GENTL DSGetFlowInfo(void*, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) { return not_implemented(); }
GENTL DSGetNumBufferSegments(void*, void*, uint32_t*) { return not_implemented(); }
GENTL DSGetBufferSegmentInfo(void*, void*, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) {
  return not_implemented();
}
