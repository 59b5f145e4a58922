import { type DriftCategory, type PerCategory } from "./category.ts";

/** Weight of one drifted item (DRIFT-3). */
export interface SeverityTable {
  readonly perItem: PerCategory;
  /** For keys that decide about access or trust. */
  readonly sensitive: number;
}

/** The published table (DRIFT-3). */
export const DEFAULT_SEVERITY: SeverityTable = {
  perItem: {
    kernel: 0.035,
    files: 0.15,
    mounts: 0.21,
    services: 0.21,
    packages: 0.25,
    network: 0.35,
    gpu: 0.35,
  },
  sensitive: 0.5,
};

const SENSITIVE: Partial<Record<DriftCategory, readonly RegExp[]>> = {
  files: [
    /^\/etc\/(?:passwd|shadow|group)$/,
    /^\/etc\/sudoers/,
    /^\/etc\/(?:pact|ssl|pam\.d|security)(?:\/|$)/,
    /^\/etc\/pam\.conf$/,
    /^\/etc\/ld\.so\./,
    /^\/(?:usr\/)?lib(?:64|\/[^/]+)?\/security\/pam_[^/]+$/,
  ],
  kernel: [
    /^module:/,
    /^kernel\.(?:modules_disabled|kptr_restrict)$/,
    /^kernel\.yama\./,
  ],
  network: [/^route:default$/],
};

/** Whether a key decides about access or trust and so counts more than others (DRIFT-3). */
export function isSensitive(category: DriftCategory, key: string): boolean {
  return SENSITIVE[category]?.some((pattern) => pattern.test(key)) ?? false;
}

/** What one drifted item adds to its dimension (DRIFT-3). */
export function severity(
  item: { readonly category: DriftCategory; readonly key: string },
  table: SeverityTable = DEFAULT_SEVERITY,
): number {
  return isSensitive(item.category, item.key) ? table.sensitive : table.perItem[item.category];
}
