import * as z from "zod";

/** Key of a device rule among the settings of a delta; its value is the rule as canonical JSON. */
export const DEVICE_PREFIX = "device:";

/** Names below /dev, with `*`, `?` and `[...]`: `nvidia*`, `dri/renderD*`. */
export const DeviceGlobSchema = z.string().regex(
  /^(?!\/)(?!.*\.\.)[A-Za-z0-9_.,:+@=*?!^[\]/-]{1,128}$/,
  { error: "must be a name below /dev, with * ? [...]" },
);

const NameSchema = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}$/, {
  error: "must be a name or a number",
});

/** Access to the device nodes that a glob names; what is absent stays as it is (CLD-3). */
export const DeviceRuleSchema = z.object({
  /** Octal bits. */
  mode: z.number().int().min(0).max(0o777).optional(),
  owner: NameSchema.optional(),
  group: NameSchema.optional(),
});

/** One rule for device nodes. */
export type DeviceRule = z.infer<typeof DeviceRuleSchema>;
