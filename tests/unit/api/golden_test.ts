import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { networkSchemas } from "./schemas.ts";

interface Sample {
  typeName: string;
  word: string;
  bytes: Uint8Array;
}

const golden = await Deno.readTextFile(new URL("./golden/messages.txt", import.meta.url));
const samples: Sample[] = golden.trimEnd().split("\n").map((line) => {
  const [typeName = "", word = "", base64 = ""] = line.split(" ");
  return { typeName, word, bytes: new Uint8Array(Buffer.from(base64, "base64")) };
});
const schemas = new Map(
  networkSchemas.flatMap((file) => file.messages.map((desc) => [desc.typeName, desc] as const)),
);

function schemaOf(typeName: string): DescMessage {
  const schema = schemas.get(typeName);
  assert.ok(schema, `${typeName} has bytes but no schema`);
  return schema;
}

Deno.test("API-90: every message on the network has golden bytes", () => {
  const withBytes = new Set(samples.map((sample) => sample.typeName));
  const messages = networkSchemas.flatMap((file) => file.messages.map((desc) => desc.typeName));
  assert.deepEqual([...withBytes].sort(), messages.sort());
});

Deno.test("API-90: another implementation's bytes decode and encode to the same bytes", () => {
  for (const { typeName, word, bytes } of samples) {
    const schema = schemaOf(typeName);
    // Without keeping unknown fields, so that whatever the schema lacks is lost and seen.
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    assert.deepEqual(toBinary(schema, message), bytes, `${typeName} ${word}`);
  }
});

Deno.test("API-1: unknown fields do not keep a message from being read", () => {
  const field999 = [0xba, 0x3e, 0x03, 0x61, 0x62, 0x63];
  for (const { typeName, word, bytes } of samples) {
    const schema = schemaOf(typeName);
    const extended = new Uint8Array([...bytes, ...field999]);
    const known = fromBinary(schema, extended, { readUnknownFields: false });
    assert.deepEqual(toBinary(schema, known), bytes, `${typeName} ${word}`);
  }
});

Deno.test("API-1: an unknown enum number is preserved when read", () => {
  const schema = schemaOf("pact.config.KernelDelta");
  const bytes = new Uint8Array([0x10, 0x63]);
  assert.deepEqual(toBinary(schema, fromBinary(schema, bytes)), bytes);
});

Deno.test("API-92: bytes that end inside a field are refused", () => {
  for (const { typeName, word, bytes } of samples.filter((sample) => sample.bytes.length > 1)) {
    const cut = bytes.subarray(0, bytes.length - 1);
    assert.throws(() => fromBinary(schemaOf(typeName), cut), Error, `${typeName} ${word}`);
  }
});
