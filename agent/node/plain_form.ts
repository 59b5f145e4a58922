import type { DescField } from "@bufbuild/protobuf";
import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  reflect,
  type ReflectMessage,
} from "@bufbuild/protobuf/reflect";
import { capability } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";

/**
 * A report as plain values under the names of its JSON form, to be compared. It is not that form: what
 * writes and reads JSON would have to be loaded before an agent can start its first service.
 */
export function plainReport(report: capability.CapabilityReport): JsonValue {
  return plainMessage(reflect(capability.CapabilityReportSchema, report));
}

function plainMessage(message: ReflectMessage): JsonValue {
  return Object.fromEntries(
    message.fields.filter((field) => message.isSet(field))
      .map((field) => [field.jsonName, plainValue(field, message.get(field))]),
  );
}

function plainValue(field: DescField, value: unknown): JsonValue {
  if (isReflectMessage(value)) return plainMessage(value);
  if (isReflectList(value)) return Array.from(value, (item) => plainValue(field, item));
  if (isReflectMap(value)) {
    return Object.fromEntries(
      Array.from(value, ([key, item]) => [String(key), plainValue(field, item)]),
    );
  }
  if (field.enum !== undefined && typeof value === "number") {
    return field.enum.value[value]?.name ?? value;
  }
  return typeof value === "boolean" || typeof value === "number" ? value : String(value);
}
