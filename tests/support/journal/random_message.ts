import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";

const MAX_DEPTH = 4;

/** Texts that handlers take apart: ids, paths, times, roles, tags, and what is none of these. */
const TEXTS = [
  "",
  "ml",
  "n1",
  "_domain",
  "/etc/x",
  "/../..",
  "kernel:vm.swappiness",
  "vm.swappiness",
  "commit",
  "exec",
  "Human",
  "pact-platform-admin",
  "ann",
  "apply:x",
  "degraded:x",
  "delegate:a:b:c",
  "Committed",
  "enforce",
  "overwrite",
  "02:00:00:00:01:00",
  "__proto__",
  "constructor",
  "2026-01-01T00:00:00Z",
  "{}",
  '{"name":"a","binary":"/bin/true"}',
  "\u0000",
  "\n",
  "ü",
  "x".repeat(5000),
];

const NUMBERS = [0, 1, 2, 7, 900, 864_000, 2 ** 31 - 1];
const BIG_NUMBERS = [0n, 1n, 2n, 7n, 900n, 2n ** 53n, 2n ** 63n - 1n];

/** Numbers in [0, 1). */
type Random = () => number;

/** The bytes of a message of this type with any fields set to any values, odd ones more often. */
export function randomMessageBytes(type: DescMessage, random: Random): Uint8Array {
  return toBinary(type, randomMessage(type, random, 0));
}

function randomMessage(type: DescMessage, random: Random, depth: number): Message {
  const message = create(type);
  const reflected = reflect(type, message);
  for (const field of type.fields) {
    if (random() < 0.45 || depth >= MAX_DEPTH) continue;
    switch (field.fieldKind) {
      case "message":
        reflected.set(
          field,
          reflect(field.message, randomMessage(field.message, random, depth + 1)),
        );
        break;
      case "list":
        for (let left = Math.floor(random() * 3); left > 0; left--) {
          reflected.get(field).add(itemOf(field, random, depth));
        }
        break;
      case "map":
        break;
      default:
        reflected.set(field, scalarOf(field, random));
    }
  }
  return message;
}

function itemOf(field: DescField & { fieldKind: "list" }, random: Random, depth: number) {
  if (field.listKind === "message") {
    return reflect(field.message, randomMessage(field.message, random, depth + 1));
  }
  return field.listKind === "enum" ? enumOf(random) : valueOf(field.scalar, random);
}

function scalarOf(field: DescField & { fieldKind: "scalar" | "enum" }, random: Random) {
  return field.fieldKind === "enum" ? enumOf(random) : valueOf(field.scalar, random);
}

function enumOf(random: Random): number {
  return Math.floor(random() * 25);
}

function valueOf(type: ScalarType, random: Random) {
  switch (type) {
    case ScalarType.STRING:
      return pick(TEXTS, random);
    case ScalarType.BYTES:
      return new TextEncoder().encode(pick(TEXTS, random));
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return pick([0, -1, 0.5, NaN, Infinity, 1e300], random);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return pick(BIG_NUMBERS, random) * (random() < 0.3 ? -1n : 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return pick(BIG_NUMBERS, random);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return pick(NUMBERS, random);
    default:
      return pick(NUMBERS, random) * (random() < 0.3 ? -1 : 1);
  }
}

function pick<T>(values: readonly T[], random: Random): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}
