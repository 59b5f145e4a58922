import { stringify } from "smol-toml";
import type { JsonValue } from "../../common/json/mod.ts";
import {
  type DeltaItem,
  deltaItems,
  DEVICE_PREFIX,
  DeviceRuleSchema,
  type StateDelta,
} from "../../common/model/mod.ts";
import { asJson, asJsonObject } from "../json/mod.ts";
import { MODULE_PREFIX } from "./delta_of.ts";

type Table = { [key: string]: JsonValue | Table };

/** A delta as spec TOML, and what of it a spec cannot say. */
export interface Fragment {
  readonly toml: string;
  /** `category: key` of items left out. */
  readonly inexpressible: readonly string[];
}

/**
 * Writes a delta as the table of a vCluster in an apply-spec, so that applying it declares the same
 * (CLI-80). What a spec has no word for, such as a GPU's state, is returned by name.
 */
export function fragmentToml(vcluster: string, delta: StateDelta): Fragment {
  const table: Table = {};
  const inexpressible: string[] = [];
  for (const [category, item] of deltaItems(delta)) {
    const place = category === "kernel" ? "sysctl" : category;
    const done = category === "settings"
      ? putSetting(table, item)
      : category === "gpu"
      ? false
      : item.action === "Remove"
      ? putRemoval(section(table, place), item.key)
      : putValue(section(table, place), category, item);
    if (!done) inexpressible.push(`${category}: ${item.key}`);
  }
  const used = Object.fromEntries(Object.entries(table).filter(([, value]) => !isEmpty(value)));
  const toml = Object.keys(used).length === 0 ? "" : stringify({ vcluster: { [vcluster]: used } });
  return { toml: toml.trimEnd(), inexpressible };
}

function putValue(table: Table, category: string, { key, value }: DeltaItem): boolean {
  if (value === undefined) return false;
  if (category === "files") return putFile(table, key, value);
  if (category === "services" && typeof value === "object") {
    const { name: _, ...declaration } = asJsonObject(value);
    table[key] = withLowerCase(declaration);
    return true;
  }
  if (category === "mounts" && typeof value === "string") return false;
  table[key] = category === "services" ? { state: asJson(value) } : asJson(value);
  return true;
}

/** A file by its content where the delta carries it as text, else by its hash. */
function putFile(table: Table, key: string, value: NonNullable<DeltaItem["value"]>): boolean {
  if (typeof value !== "object" || !("content_hash" in value || "content_b64" in value)) {
    return false;
  }
  const { content_b64, content_hash, mode, owner } = value as {
    content_b64?: string;
    content_hash?: string;
    mode?: number;
    owner?: string;
  };
  const content = content_b64 === undefined ? undefined : textOf(content_b64);
  table[key] = {
    ...(content !== undefined ? { content } : content_hash !== undefined && { content_hash }),
    ...(mode !== undefined && { mode: `0${mode.toString(8)}` }),
    ...(owner !== undefined && { owner }),
  };
  return content !== undefined || content_hash !== undefined;
}

function textOf(base64: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(Uint8Array.fromBase64(base64));
  } catch {
    return undefined;
  }
}

function putSetting(table: Table, { action, key, value }: DeltaItem): boolean {
  if (key.startsWith(MODULE_PREFIX)) {
    const name = key.slice(MODULE_PREFIX.length);
    const modules = section(table, "modules");
    if (action === "Remove") return putRemoval(modules, name);
    modules["load"] = [...listOf(modules["load"]), name];
    return true;
  }
  if (key.startsWith(DEVICE_PREFIX)) {
    const devices = section(table, "devices");
    const glob = key.slice(DEVICE_PREFIX.length);
    return action === "Remove" ? putRemoval(devices, glob) : putDevice(devices, glob, value);
  }
  if (action === "Remove" || typeof value !== "string") return false;
  if (key !== "base_image" && key !== "uenv") return false;
  table[key] = value;
  return true;
}

function putDevice(table: Table, glob: string, value: DeltaItem["value"]): boolean {
  if (typeof value !== "string") return false;
  const rule = DeviceRuleSchema.safeParse(jsonOrNull(value)).data;
  if (rule === undefined) return false;
  const { mode, owner, group } = rule;
  table[glob] = {
    ...(mode !== undefined && { mode: `0${mode.toString(8).padStart(3, "0")}` }),
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
  };
  return true;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function putRemoval(table: Table, key: string): boolean {
  table["remove"] = [...listOf(table["remove"]), key];
  return true;
}

function listOf(value: JsonValue | Table | undefined): JsonValue[] {
  return Array.isArray(value) ? [...value] : [];
}

function section(table: Table, name: string): Table {
  const existing = table[name];
  if (typeof existing === "object" && existing !== null && !Array.isArray(existing)) {
    return existing as Table;
  }
  const created: Table = {};
  table[name] = created;
  return created;
}

function isEmpty(value: JsonValue | Table): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Documents spell `OnFailure` and `Http`, specs `on-failure` and `http`. */
function withLowerCase(declaration: Record<string, JsonValue>): Table {
  const { restart, health_check, ...rest } = declaration;
  const check = typeof health_check === "object" && health_check !== null
    ? asJsonObject(health_check)
    : undefined;
  return {
    ...rest,
    ...(typeof restart === "string" && {
      restart: restart.replaceAll(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase(),
    }),
    ...(check !== undefined && {
      health_check: { ...check, type: String(check["type"]).toLowerCase() },
    }),
  };
}
