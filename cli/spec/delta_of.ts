import { canonicalJson } from "../../common/json/mod.ts";
import { DEVICE_PREFIX, type StateDelta } from "../../common/model/mod.ts";
import { asJson } from "../json/mod.ts";
import type { CheckedVCluster } from "./check.ts";

/** Key of a kernel module among the settings of a delta (JRN-11). */
export const MODULE_PREFIX = "module:";

/** A file's content with its hash, as the spec resolved it. */
export interface ResolvedContent {
  readonly content_hash: string;
  readonly content_b64?: string;
}

/** The changes a checked table asks for, by the mapping of CLI-72. */
export function deltaOf(
  { spec, services, remove }: CheckedVCluster,
  contents: ReadonlyMap<string, ResolvedContent>,
): StateDelta {
  const removals = (keys: readonly string[] | undefined) =>
    (keys ?? []).map((key) => ({ action: "Remove" as const, key }));
  const items = <Value, Action extends "Add" | "Modify">(
    action: Action,
    section: Readonly<Record<string, Value>> | undefined,
  ) => Object.entries(section ?? {}).map(([key, value]) => ({ action, key, value }));

  const settings = [
    ...(spec.base_image === undefined
      ? []
      : [{ action: "Modify" as const, key: "base_image", value: spec.base_image }]),
    ...(spec.uenv === undefined
      ? []
      : [{ action: "Modify" as const, key: "uenv", value: spec.uenv }]),
    ...(spec.modules?.load ?? []).map((name) => ({
      action: "Add" as const,
      key: `${MODULE_PREFIX}${name}`,
    })),
    ...removals(remove.modules?.map((name) => `${MODULE_PREFIX}${name}`)),
    ...Object.entries(spec.devices ?? {}).map(([glob, rule]) => ({
      action: "Modify" as const,
      key: `${DEVICE_PREFIX}${glob}`,
      value: canonicalJson(asJson(rule)),
    })),
    ...removals(remove.devices?.map((glob) => `${DEVICE_PREFIX}${glob}`)),
  ];
  const files = Object.entries(spec.files ?? {}).map(([key, { mode, owner }]) => ({
    action: "Modify" as const,
    key,
    value: {
      ...contents.get(key),
      ...(mode !== undefined && { mode }),
      ...(owner !== undefined && { owner }),
    },
  }));
  return withoutEmpty({
    mounts: [...items("Add", spec.mounts), ...removals(remove.mounts)],
    files: [...files, ...removals(remove.files)],
    network: [...items("Modify", spec.network), ...removals(remove.network)],
    services: [
      ...services.map((value) => ({ action: "Modify" as const, key: value.name, value })),
      ...removals(remove.services),
    ],
    kernel: [...items("Modify", spec.sysctl), ...removals(remove.sysctl)],
    packages: [...items("Add", spec.packages), ...removals(remove.packages)],
    settings,
  });
}

function withoutEmpty(delta: StateDelta): StateDelta {
  return Object.fromEntries(
    Object.entries(delta).filter(([, items]) => items !== undefined && items.length > 0),
  );
}
