/**
 * Every command of `pact`, one file each, in the order the overview lists them.
 *
 * @module
 */
import { applyCommand } from "./apply.ts";
import { capCommand } from "./cap.ts";
import { commitCommand } from "./commit.ts";
import { configCommand } from "./config.ts";
import { diagCommand } from "./diag.ts";
import { diffCommand } from "./diff.ts";
import { execCommand } from "./exec.ts";
import { extendCommand } from "./extend.ts";
import { groupCommand } from "./group.ts";
import { logCommand } from "./log.ts";
import { enrollCommand, nodeCommand } from "./node.ts";
import { promoteCommand } from "./promote.ts";
import { rollbackCommand } from "./rollback.ts";
import { serviceCommand } from "./service.ts";
import { statusCommand } from "./status.ts";
import { watchCommand } from "./watch.ts";
import { whoamiCommand } from "./whoami.ts";

export type { Action } from "./action.ts";
export { say, word } from "./parsing.ts";

/** Commands that only show. */
export const SHOWING = [
  statusCommand,
  diffCommand,
  logCommand,
  capCommand,
  watchCommand,
  diagCommand,
  whoamiCommand,
  configCommand,
] as const;

/** Commands that change something, or run something. */
export const ACTING = [
  applyCommand,
  commitCommand,
  rollbackCommand,
  promoteCommand,
  extendCommand,
  execCommand,
  serviceCommand,
  enrollCommand,
  nodeCommand,
  groupCommand,
] as const;
