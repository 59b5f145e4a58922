import { type DescMessage, type MessageShape, ScalarType, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { JsonValue } from "../../common/json/mod.ts";
import { asJson, asJsonObject } from "../json/mod.ts";

/** A timestamp in RFC 3339, or null. */
export function instantJson(timestamp: Timestamp | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestampMs(timestamp)).toISOString();
}

/**
 * A message as JSON with its field names as the schema writes them (CLI-7), every scalar present,
 * and 64-bit counters as numbers, which people's tools expect.
 */
export function messageJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): { [key: string]: JsonValue } {
  const json = toJson(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  const value = withNumbers(schema, asJson(json));
  return isObject(value) ? asJsonObject(value) : { value };
}

const WIDE_SCALARS: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

function withNumbers(schema: DescMessage, json: JsonValue): JsonValue {
  if (!isObject(json)) return json;
  const result: { [key: string]: JsonValue | undefined } = { ...json };
  for (const field of schema.fields) {
    const value = result[field.name];
    if (value === undefined || value === null) continue;
    const inner = field.message;
    if (inner !== undefined && field.fieldKind !== "map") {
      result[field.name] = Array.isArray(value)
        ? value.map((element: JsonValue) => withNumbers(inner, element))
        : withNumbers(inner, value);
    } else if (field.fieldKind === "scalar" && WIDE_SCALARS.has(field.scalar)) {
      result[field.name] = Number(value);
    }
  }
  return result;
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
