import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeFrame,
  FrameDecoder,
  type HandoffMessage,
  MAX_FRAME_BYTES,
  ProtocolError,
} from "../../../../contracts/mod.ts";

/** One message of every kind (NS-11), as it stands on the wire. */
const MESSAGES: readonly [message: HandoffMessage, body: string][] = [
  [
    {
      id: 1,
      kind: "request_namespaces",
      body: { allocationId: "42", namespaces: ["Net"], uenvImage: null, cgroupPath: null },
    },
    '{"allocation_id":"42","namespaces":["Net"],"uenv_image":null,"cgroup_path":null}',
  ],
  [
    {
      id: 1,
      kind: "namespaces",
      body: { allocationId: "42", fdTypes: ["Net"], uenvMountPath: null },
    },
    '{"allocation_id":"42","fd_types":["Net"],"uenv_mount_path":null}',
  ],
  [{ id: 1, kind: "allocation_ended", body: { allocationId: "42" } }, '{"allocation_id":"42"}'],
  [{ id: 1, kind: "release_namespaces", body: { allocationId: "42" } }, '{"allocation_id":"42"}'],
  [
    { id: 1, kind: "acquire_mount", body: { allocationId: "42", imagePath: "/i/a.sqfs" } },
    '{"allocation_id":"42","image_path":"/i/a.sqfs"}',
  ],
  [
    { id: 1, kind: "mount", body: { imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a" } },
    '{"image_path":"/i/a.sqfs","mount_point":"/run/pact/uenv/a"}',
  ],
  [
    { id: 1, kind: "release_mount", body: { allocationId: "42", imagePath: "/i/a.sqfs" } },
    '{"allocation_id":"42","image_path":"/i/a.sqfs"}',
  ],
  [{ id: 1, kind: "list", body: {} }, "{}"],
  [
    {
      id: 1,
      kind: "state",
      body: {
        allocations: [{ allocationId: "42", namespaces: ["Pid"] }],
        mounts: [{ imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a", count: 2 }],
      },
    },
    '{"allocations":[{"allocation_id":"42","namespaces":["Pid"]}],' +
    '"mounts":[{"image_path":"/i/a.sqfs","mount_point":"/run/pact/uenv/a","count":2}]}',
  ],
  [
    { id: 1, kind: "queued", body: { reason: "booting", position: 3 } },
    '{"reason":"booting","position":3}',
  ],
  [{ id: 1, kind: "ack", body: {} }, "{}"],
  [
    { id: 1, kind: "error", body: { kind: "CreationFailed", message: "no" } },
    '{"kind":"CreationFailed","message":"no"}',
  ],
];

for (const [message, body] of MESSAGES) {
  Deno.test(`NS-10, NS-11, ACC-N3: ${message.kind} on the wire and back`, () => {
    const frame = encodeFrame(message);
    const json = `{"v":1,"id":1,"kind":"${message.kind}","body":${body}}`;
    assert.deepEqual([...frame.subarray(0, 4)], [0, 0, 0, json.length]);
    assert.equal(new TextDecoder().decode(frame.subarray(4)), json);
    const [received] = new FrameDecoder().push(frame);
    assert.deepEqual(received, { message, streamOffset: 0 });
  });
}

Deno.test("NS-10: frames arrive whole and in order however the stream is cut", () => {
  const frames = MESSAGES.map(([message]) => encodeFrame(message));
  const stream = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  const offsets = frames.map((frame, i) => {
    const offset = frames.slice(0, i).reduce((sum, { length }) => sum + length, 0);
    stream.set(frame, offset);
    return offset;
  });
  fc.assert(fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
    const decoder = new FrameDecoder();
    const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
    const received = edges.slice(1)
      .flatMap((end, i) => decoder.push(stream.subarray(edges[i], end)));
    assert.deepEqual(received.map(({ message }) => message), MESSAGES.map(([message]) => message));
    assert.deepEqual(received.map(({ streamOffset }) => streamOffset), offsets);
    assert.equal(decoder.isMidFrame, false);
  }));
});

Deno.test("NS-13: a stream that ends inside a frame is noticed", () => {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame({ id: 1, kind: "ack", body: {} }).subarray(0, 9));
  assert.equal(decoder.isMidFrame, true);
});

function frameOf(json: string): Uint8Array {
  const bytes = new TextEncoder().encode(json);
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame.set(bytes, 4);
  return frame;
}

const BROKEN: readonly [what: string, frame: Uint8Array][] = [
  ["a length of 0", new Uint8Array(4)],
  ["a length over 65536", new Uint8Array([0, 1, 0, 1])],
  ["a length of 4 GiB", new Uint8Array([255, 255, 255, 255])],
  ["a body that is not JSON", frameOf("{")],
  ["bytes that are not UTF-8", new Uint8Array([0, 0, 0, 2, 0xc3, 0x28])],
  ["a list instead of an envelope", frameOf("[]")],
  ["another version", frameOf('{"v":2,"id":1,"kind":"ack","body":{}}')],
  ["an unknown kind", frameOf('{"v":1,"id":1,"kind":"reboot","body":{}}')],
  ["a missing id", frameOf('{"v":1,"kind":"ack","body":{}}')],
  ["a body of the wrong shape", frameOf('{"v":1,"id":1,"kind":"queued","body":{"reason":1}}')],
  [
    "an unlawful allocation id",
    frameOf(
      '{"v":1,"id":1,"kind":"allocation_ended","body":{"allocation_id":"../x"}}',
    ),
  ],
];

for (const [what, frame] of BROKEN) {
  Deno.test(`NS-13: ${what} is a protocol error, and nothing after it is read`, () => {
    const decoder = new FrameDecoder();
    assert.throws(() => decoder.push(frame), ProtocolError);
    const good = encodeFrame({ id: 1, kind: "ack", body: {} });
    assert.throws(() => decoder.push(good), ProtocolError);
  });
}

Deno.test("NS-10: a message too big for a frame is not sent, one of just the limit is", () => {
  const message = (length: number): HandoffMessage => ({
    id: 1,
    kind: "error",
    body: { kind: "CreationFailed", message: "x".repeat(length) },
  });
  const overhead = encodeFrame(message(0)).length - 4;
  assert.equal(encodeFrame(message(MAX_FRAME_BYTES - overhead)).length, MAX_FRAME_BYTES + 4);
  assert.throws(() => encodeFrame(message(MAX_FRAME_BYTES - overhead + 1)), ProtocolError);
});
