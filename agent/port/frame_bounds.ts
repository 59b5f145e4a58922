import type { agentport } from "../../api/mod.ts";

/** A frame that breaks a rule of the port. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Bounds of what a worker may declare, per list and per text (journal.md section 16). */
const MAX_ITEMS = 10_000;
const MAX_FILE_BYTES = 256 * 1024;
const MAX_PATH = 4096;
const MAX_TEXT = 65_536;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_ROLES = 100;

/**
 * Checks a decoded frame against the bounds that types cannot express.
 *
 * @throws {FrameError} naming the first rule that is broken.
 */
export function checkWorkerFrame(frame: agentport.WorkerFrame["frame"]): void {
  switch (frame.case) {
    case "declared":
      return checkDeclared(frame.value);
    case "call":
      return checkCall(frame.value);
    case "identity":
      return checkIdentity(frame.value);
    case "configured":
      return checkConfig(frame.value);
    case undefined:
      throw new FrameError("frame without content");
    default:
      return;
  }
}

function checkDeclared(declared: agentport.DeclaredConfig): void {
  atMost("sysctl", Object.keys(declared.sysctl).length, MAX_ITEMS);
  atMost("files", declared.files.length, MAX_ITEMS);
  atMost("services", declared.services.length, MAX_ITEMS);
  atMost("mounts", declared.mounts.length, MAX_ITEMS);
  atMost("blacklist", declared.blacklist.length, MAX_ITEMS);
  for (const [key, value] of Object.entries(declared.sysctl)) {
    if (!/^[a-zA-Z0-9_.\-/]{1,255}$/.test(key)) {
      throw new FrameError(`malformed sysctl key '${key}'`);
    }
    atMost(`sysctl ${key}`, value.length, MAX_TEXT);
  }
  for (const file of declared.files) {
    absolute("file", file.path);
    atMost(`content of ${file.path}`, file.content.length, MAX_FILE_BYTES);
    atMost(`mode of ${file.path}`, file.mode, 0o7777);
  }
  for (const mount of declared.mounts) absolute("mount", mount.path);
  for (const service of declared.services) checkService(service);
}

function checkService(service: agentport.ServiceSpec): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,127}$/.test(service.name) || service.name.includes("..")) {
    throw new FrameError(`malformed service name '${service.name}'`);
  }
  atMost(`arguments of ${service.name}`, service.args.length, 1024);
  atMost(`environment of ${service.name}`, Object.keys(service.env).length, 1024);
  for (const argument of service.args) {
    atMost(`argument of ${service.name}`, argument.length, MAX_TEXT);
  }
}

function checkCall(call: agentport.Call): void {
  atMost("request", call.request.length, MAX_REQUEST_BYTES);
  if (call.caller === undefined) throw new FrameError("call without a caller");
  if (call.caller.principal === "") throw new FrameError("call without a principal");
  atMost("roles", call.caller.roles.length, MAX_ROLES);
}

function checkIdentity(identity: agentport.NodeIdentity): void {
  atMost("certificate", identity.certPem.length, MAX_TEXT);
  atMost("trust bundle", identity.trustBundlePem.length, 16 * MAX_TEXT);
}

/** Directories the agent will write to. */
function checkConfig(config: agentport.AgentConfig): void {
  for (const directory of [config.cacheDir, config.stateDir, config.logDir]) {
    absolute("directory", directory);
  }
  if (config.root !== "") absolute("root", config.root);
}

function absolute(what: string, path: string): void {
  const isPlain = path.startsWith("/") && !path.includes("\0") && !path.split("/").includes("..");
  if (!isPlain || path.length > MAX_PATH) {
    throw new FrameError(`${what} path '${path}' is not absolute`);
  }
}

function atMost(what: string, value: number, limit: number): void {
  if (value > limit) throw new FrameError(`${what}: ${value} exceeds ${limit}`);
}
