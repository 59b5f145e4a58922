/**
 * Every command of `pact`, one file each, in the order the overview lists them. A command's file, and
 * with it the whole RPC stack, is loaded only when the command line names it (ACC-C6).
 *
 * @module
 */
import type { ActionParser } from "./parsing.ts";

export type { Action } from "./action.ts";
export { type ActionParser, say, withAction, word } from "./parsing.ts";

/** A command as the overview knows it. */
export interface CommandEntry {
  readonly name: string;
  /** One line about it. */
  readonly brief: string;
  /** Stands below its help. */
  readonly footer?: string;
  /** Its arguments and what they do. */
  readonly load: () => Promise<ActionParser>;
}

/** The commands. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "status",
    brief: "Show the state of the nodes, or of one node.",
    load: async () => (await import("./status.ts")).statusCommand,
  },
  {
    name: "diff",
    brief: "Show how a node differs from what is declared for it.",
    load: async () => (await import("./diff.ts")).diffCommand,
  },
  {
    name: "log",
    brief: "Show who changed what, newest first.",
    load: async () => (await import("./log.ts")).logCommand,
  },
  {
    name: "audit",
    brief: "Show who did what, and prove that the log was not changed.",
    load: async () => (await import("./audit.ts")).auditCommand,
  },
  {
    name: "cap",
    brief: "Show a node's hardware and software.",
    load: async () => (await import("./cap.ts")).capCommand,
  },
  {
    name: "watch",
    brief: "Show changes as they happen, until Ctrl-C.",
    load: async () => (await import("./watch.ts")).watchCommand,
  },
  {
    name: "cluster",
    brief: "Show the quorum of journals, and change who is in it.",
    load: async () => (await import("./cluster.ts")).clusterCommand,
  },
  {
    name: "diag",
    brief: "Collect log lines from a node, or from every node of a vCluster.",
    load: async () => (await import("./diag.ts")).diagCommand,
  },
  {
    name: "apply",
    brief: "Declare the configuration of vClusters from a file.",
    footer: "FILE is TOML with [vcluster.NAME] tables; - reads it from standard input.",
    load: async () => (await import("./apply.ts")).applyCommand,
  },
  {
    name: "commit",
    brief: "Keep a node's changes, or record a change of a vCluster.",
    load: async () => (await import("./commit.ts")).commitCommand,
  },
  {
    name: "rollback",
    brief: "Return to what was declared by an earlier entry.",
    load: async () => (await import("./rollback.ts")).rollbackCommand,
  },
  {
    name: "promote",
    brief: "Make a node's committed changes its vCluster's.",
    footer: "pact promote NODE > f.toml && pact apply f.toml does the same in two steps.",
    load: async () => (await import("./promote.ts")).promoteCommand,
  },
  {
    name: "approve",
    brief: "Decide on what takes two people, or see what waits for it.",
    footer:
      "pact approve ID is short for pact approve accept ID; the beginning of an ID is enough.",
    load: async () => (await import("./approve.ts")).approveCommand,
  },
  {
    name: "emergency",
    brief: "Open and close emergencies, and do on a node what only they allow.",
    load: async () => (await import("./emergency.ts")).emergencyCommand,
  },
  {
    name: "extend",
    brief: "Keep a node's commit window open longer.",
    load: async () => (await import("./extend.ts")).extendCommand,
  },
  {
    name: "exec",
    brief: "Run a whitelisted command on a node.",
    footer:
      "Put -- before the command. Its output comes back unchanged, and so does its exit status. " +
      "--timeout bounds how long it may run, at most 300 s.",
    load: async () => (await import("./exec.ts")).execCommand,
  },
  {
    name: "shell",
    brief: "Open an audited, restricted shell on a node.",
    footer: "What is piped in is run as if it were typed; its end closes the shell. " +
      "pact exits with the status of the shell.",
    load: async () => (await import("./shell.ts")).shellCommand,
  },
  {
    name: "agent",
    brief: "Start another version of a node's agent.",
    load: async () => (await import("./agent.ts")).agentCommand,
  },
  {
    name: "service",
    brief: "Show and control the services of a node.",
    load: async () => (await import("./service.ts")).serviceCommand,
  },
  {
    name: "enroll",
    brief: "Register a node by its hardware, so that it may boot.",
    footer: "--batch FILE registers every node of a CSV file whose first line names its columns: " +
      "node_id,mac,bmc_serial and, where there are any, smbios_uuid,tpm_ek_hash,vcluster.",
    load: async () => (await import("./enrollment.ts")).enrollCommand,
  },
  {
    name: "node",
    brief: "Register nodes and assign them to vClusters.",
    load: async () => (await import("./node.ts")).nodeCommand,
  },
  {
    name: "group",
    brief: "Show vClusters and change their policies.",
    load: async () => (await import("./group.ts")).groupCommand,
  },
  {
    name: "policy",
    brief: "Explain decisions, and try out changed policies.",
    load: async () => (await import("./policy_forms.ts")).policyCommand,
  },
  {
    name: "login",
    brief: "Log in by the site's identity provider.",
    load: async () => (await import("./login.ts")).loginCommand,
  },
  {
    name: "logout",
    brief: "Forget a login, here and at the identity provider.",
    load: async () => (await import("./logout.ts")).logoutCommand,
  },
  {
    name: "lock",
    brief: "Keep a user, a role, a node or a vCluster out at once.",
    footer: "New calls are refused and live streams cut off everywhere within seconds. " +
      "Nobody locks themselves out; platform admins still reach a locked node or vCluster.",
    load: async () => (await import("./lock.ts")).lockCommand,
  },
  {
    name: "unlock",
    brief: "Let in again whom or what a lock keeps out.",
    load: async () => (await import("./lock.ts")).unlockCommand,
  },
  {
    name: "locks",
    brief: "Show who and what is locked, by whom and why.",
    load: async () => (await import("./lock.ts")).locksCommand,
  },
  {
    name: "whoami",
    brief: "Show who the token says you are.",
    load: async () => (await import("./whoami.ts")).whoamiCommand,
  },
  {
    name: "config",
    brief: "Show the configuration.",
    load: async () => (await import("./config.ts")).configCommand,
  },
];
