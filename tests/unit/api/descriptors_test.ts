import assert from "node:assert/strict";
import {
  create,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescOneof,
  toBinary,
} from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import * as api from "../../../api/mod.ts";
import {
  durationFromMs,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
  timestampDate,
  timestampFromMs,
  timestampMs,
} from "../../../api/well_known/mod.ts";
import { packageSchemas } from "./package_schemas.ts";

const ownSchemas = new Map<string, DescFile>(
  Object.values(api).flatMap((names) => Object.entries(names)).flatMap(([name, value]) =>
    name.startsWith("file_") && isFile(value) ? [[name, value] as const] : []
  ),
);

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file";
}

const type = (desc: { readonly typeName: string } | undefined) => desc?.typeName;
const named = (
  desc: { readonly name: string; readonly deprecated: boolean; toString(): string },
) => ({
  ...{ name: desc.name, deprecated: desc.deprecated, text: `${desc}` },
});

function plainFile(file: DescFile) {
  return {
    ...named(file),
    edition: file.edition,
    dependencies: file.dependencies.map(({ name }) => name),
    extensions: file.extensions.length,
    messages: file.messages.map(plainMessage),
    enums: file.enums.map(plainEnum),
    services: file.services.map((service) => ({
      ...named(service),
      typeName: service.typeName,
      methods: service.methods.map(plainMethod),
      byName: Object.entries(service.method).map(([name, method]) => [name, method.name]),
    })),
  };
}

function plainMethod(method: DescMethod) {
  const { localName, methodKind, idempotency, input, output } = method;
  return { ...named(method), localName, methodKind, idempotency, io: [type(input), type(output)] };
}

function plainEnum(desc: DescEnum): unknown {
  const { typeName, open, sharedPrefix, parent } = desc;
  return {
    ...named(desc),
    ...{ typeName, open, sharedPrefix, parent: type(parent) },
    values: desc.values.map((value) => ({
      ...named(value),
      ...{ localName: value.localName, number: value.number, jsonName: value.jsonName },
    })),
    byNumber: Object.entries(desc.value).map(([number, { name }]) => [number, name]),
  };
}

function plainMessage(desc: DescMessage): unknown {
  return {
    ...named(desc),
    typeName: desc.typeName,
    parent: type(desc.parent),
    fields: desc.fields.map(plainField),
    byName: Object.entries(desc.field).map(([name, field]) => [name, field.name]),
    oneofs: desc.oneofs.map(plainOneof),
    members: desc.members.map(({ kind, localName }) => `${kind} ${localName}`),
    nestedMessages: desc.nestedMessages.map(plainMessage),
    nestedEnums: desc.nestedEnums.map(plainEnum),
    nestedExtensions: desc.nestedExtensions.length,
  };
}

function plainOneof(oneof: DescOneof) {
  const { localName, parent, fields } = oneof;
  return {
    ...named(oneof),
    localName,
    parent: type(parent),
    fields: fields.map(({ name }) => name),
  };
}

/** Every property that a field of its kind has, and no other. */
function plainField(field: DescField) {
  const { number, localName, jsonName, presence, utf8Validation, fieldKind, scalar } = field;
  const has = (name: string): unknown => Reflect.get(field, name);
  return {
    ...named(field),
    ...{ number, localName, jsonName, presence, utf8Validation, fieldKind, scalar },
    ...{ parent: type(field.parent), oneof: field.oneof?.name },
    ...{ message: type(field.message), enum: type(field.enum) },
    ...{ listKind: has("listKind"), mapKind: has("mapKind"), mapKey: has("mapKey") },
    ...{ packed: has("packed"), longAsString: has("longAsString") },
    delimited: has("delimitedEncoding"),
    defaultValue: "getDefaultValue" in field && field.getDefaultValue?.(),
    hasDefault: typeof has("getDefaultValue"),
  };
}

Deno.test("every schema is read as the protobuf package reads it, to the last property", async () => {
  const schemas = await packageSchemas();
  assert.deepEqual([...ownSchemas.keys()].sort(), [...schemas.keys()].sort());
  for (const [name, file] of schemas) {
    const own = ownSchemas.get(name);
    assert.ok(own);
    assert.deepEqual(plainFile(own), plainFile(file), name);
  }
});

Deno.test("a message is the same object whichever way it is come by", () => {
  const { CoreFrameSchema, file_pact_agentport } = api.agentport;
  assert.equal(
    file_pact_agentport.messages.find(({ name }) => name === "CoreFrame"),
    CoreFrameSchema,
  );
  const frame = CoreFrameSchema.fields.find(({ name }) => name === "configure");
  assert.equal(frame?.message, api.agentport.ConfigureSchema);
  assert.equal(CoreFrameSchema.field.configure, frame);
  const entry = api.agentport.AppendSchema.field.entry;
  assert.equal(entry.message, api.config.ConfigEntrySchema);
});

Deno.test("what a descriptor does not keep is refused, not made up", () => {
  assert.throws(() => api.lock.LockSchema.proto, /message pact\.lock\.Lock does not keep/);
});

Deno.test("moments and times are the package's, whatever their sign and fraction", () => {
  assert.deepEqual(
    plainFile(file_google_protobuf_timestamp),
    plainFile(wkt.file_google_protobuf_timestamp),
  );
  assert.deepEqual(
    plainFile(file_google_protobuf_duration),
    plainFile(wkt.file_google_protobuf_duration),
  );
  for (const ms of [0, 1, -1, 999, 1000, -1500, 1_790_000_000_123, 2 ** 40 + 1]) {
    const own = timestampFromMs(ms);
    assert.deepEqual(
      toBinary(wkt.TimestampSchema, own),
      toBinary(wkt.TimestampSchema, wkt.timestampFromMs(ms)),
    );
    assert.equal(timestampMs(own), ms);
    assert.equal(timestampDate(own).getTime(), ms);
    const { seconds, nanos } = durationFromMs(ms);
    const expected = wkt.durationFromMs(ms);
    assert.deepEqual({ seconds, nanos }, { seconds: expected.seconds, nanos: expected.nanos });
  }
  const own = create(api.lock.LockSchema, { lockedAt: timestampFromMs(5) });
  const packages = create(api.lock.LockSchema, { lockedAt: wkt.timestampFromMs(5) });
  assert.deepEqual(toBinary(api.lock.LockSchema, own), toBinary(api.lock.LockSchema, packages));
});
