import type { agentport, journal, lock, stream } from "../../api/mod.ts";
import { declaredFault } from "./declared_bounds.ts";
import { atMost, FrameError, isAbsolutePath } from "./frame_error.ts";

/** Bounds of what a worker may say, per list and per text. */
const MAX_ITEMS = 1_000;
const MAX_TEXT = 65_536;
const MAX_NAME = 256;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Of one message of a caller's stream; the worker cuts what is typed into pieces. */
const MAX_INPUT_BYTES = 64 * 1024;
const MAX_ROLES = 100;
/** Answers a caller may ask for in one frame. */
const MAX_CREDIT = 1_024;
const MAX_WANTED_FILES = 16;
const MAX_PATH = 4_096;
/** As many as a journal keeps, and the one that keeps this node out. */
const MAX_LOCKS = 1_001;
const MAX_PEOPLE = 100_000;
/** As many as fit into a file that a journal is configured with. */
const MAX_MAPPED_ROLES = 10_000;
/** Of all groups together. */
const MAX_MEMBERS = 1_000_000;

/**
 * Checks a decoded frame against the bounds that types cannot express.
 *
 * @throws {FrameError} naming the first rule that is broken.
 */
export function checkWorkerFrame(frame: agentport.WorkerFrame["frame"]): void {
  switch (frame.case) {
    case "declared": {
      const fault = declaredFault(frame.value);
      if (fault !== undefined) throw new FrameError(fault);
      return;
    }
    case "call":
      return checkCall(frame.value);
    case "callInput":
      return atMost("input", frame.value.message.length, MAX_INPUT_BYTES);
    case "callCredit":
      return atMost("credit", frame.value.credit, MAX_CREDIT);
    case "identity":
      return checkIdentity(frame.value);
    case "trustAnchor":
      return atMost("trust anchor", frame.value.certificatesPem.length, 16 * MAX_TEXT);
    case "tokenIssuer":
      return checkTokenIssuer(frame.value);
    case "configured":
      return checkConfig(frame.value);
    case "configRefused":
      return checkRefusal(frame.value);
    case "linkState":
      return checkLinkState(frame.value);
    case "listening":
      atMost("listener name", frame.value.hostname.length, MAX_NAME);
      return atMost("port", frame.value.port, 65_535);
    case "appendResult":
      atMost("error code", frame.value.errorCode.length, MAX_NAME);
      atMost("policy reference", frame.value.policyRef.length, MAX_TEXT);
      checkApproval(frame.value);
      return atMost("error message", frame.value.errorMessage.length, MAX_TEXT);
    case "approvalAnswer":
      atMost("error code", frame.value.errorCode.length, MAX_NAME);
      atMost("policy reference", frame.value.policyRef.length, MAX_TEXT);
      checkApproval(frame.value);
      return atMost("error message", frame.value.errorMessage.length, MAX_TEXT);
    case "identityMap":
      return checkIdentityMap(frame.value);
    case "emergency":
      return checkEmergency(frame.value);
    case "locks":
      return checkLocks(frame.value);
    case "callerRefused":
      atMost("network address", frame.value.source.length, MAX_NAME);
      atMost("method", frame.value.method.length, MAX_NAME);
      atMost("error code", frame.value.code.length, MAX_NAME);
      return atMost("reason", frame.value.reason.length, MAX_TEXT);
    case "fatal":
      return atMost("reason", frame.value.reason.length, MAX_TEXT);
    case "callCancelled":
    case "commitDecided":
    case "quorumAnswer":
    case "pong":
      return;
    case undefined:
      throw new FrameError("frame without content");
  }
}

function checkCall({ method, caller, request, credit, approvalId }: agentport.Call): void {
  atMost("request", request.length, MAX_REQUEST_BYTES);
  atMost("credit", credit, MAX_CREDIT);
  if (!/^[A-Za-z]{1,64}$/.test(method)) throw new FrameError("malformed method name");
  if (caller === undefined) throw new FrameError("call without a caller");
  if (caller.principal === "") throw new FrameError("call without a principal");
  atMost("principal", caller.principal.length, MAX_TEXT);
  atMost("subject", caller.subject.length, MAX_TEXT);
  atMost("approval", approvalId.length, MAX_NAME);
  atMost("principal type", caller.principalType.length, MAX_NAME);
  atMost("remote address", caller.remoteAddress.length, MAX_NAME);
  atMost("roles", caller.roles.length, MAX_ROLES);
  for (const role of caller.roles) atMost("role", role.length, MAX_NAME);
}

function checkApproval(
  { approvalId, approvalExpires }: {
    readonly approvalId: string;
    readonly approvalExpires: string;
  },
): void {
  atMost("approval", approvalId.length, MAX_NAME);
  atMost("approval's end", approvalExpires.length, MAX_NAME);
}

function checkIdentity(identity: agentport.NodeIdentity): void {
  checkPlace(identity);
  atMost("domain", identity.domainId.length, MAX_NAME);
  atMost("certificate", identity.certPem.length, MAX_TEXT);
  atMost("key", identity.keyPem.length, MAX_TEXT);
  atMost("trust bundle", identity.trustBundlePem.length, 16 * MAX_TEXT);
}

function checkTokenIssuer(told: stream.TokenIssuer): void {
  const { issuer, jwksUrl, caPem, principalClaim, audiences, clientIds } = told;
  for (const text of [issuer, jwksUrl, principalClaim]) atMost("issuer", text.length, MAX_PATH);
  atMost("CAs of the issuer", caPem.length, 16 * MAX_TEXT);
  const roles = Object.entries(told.roleMap);
  atMost("audiences", audiences.length + clientIds.length, MAX_ITEMS);
  atMost("mapped roles", roles.length, MAX_MAPPED_ROLES);
  for (const text of [...audiences, ...clientIds, ...roles.flat()]) {
    atMost("name in the issuer's settings", text.length, MAX_PATH);
  }
}

function checkIdentityMap({ entries, groups }: journal.UidMap): void {
  atMost("people", entries.length, MAX_PEOPLE);
  atMost("groups", groups.length, MAX_PEOPLE);
  for (const { username, home, shell, org } of entries) {
    atMost("user name", username.length, MAX_NAME);
    atMost("organisation", org.length, MAX_NAME);
    atMost("home directory", home.length, MAX_PATH);
    atMost("login shell", shell.length, MAX_PATH);
  }
  let members = 0;
  for (const group of groups) {
    atMost("group name", group.name.length, MAX_NAME);
    members += group.members.length;
    for (const member of group.members) atMost("member", member.length, MAX_NAME);
  }
  atMost("members", members, MAX_MEMBERS);
}

function checkEmergency({ sessionId, scope, principal, reason }: agentport.Emergency): void {
  atMost("session", sessionId.length, MAX_NAME);
  atMost("principal", principal.length, MAX_TEXT);
  atMost("reason", reason.length, MAX_TEXT);
  if (scope !== "node" && scope !== "vcluster") throw new FrameError("malformed emergency scope");
}

function checkLocks({ locks }: lock.ListLocksResponse): void {
  atMost("locks", locks.length, MAX_LOCKS);
  for (const { kind, name, reason } of locks) {
    atMost("kind of a lock", kind.length, MAX_NAME);
    atMost("name of a lock", name.length, MAX_PATH);
    atMost("reason of a lock", reason.length, MAX_TEXT);
  }
}

function checkLinkState(state: agentport.LinkState): void {
  checkPlace(state);
  atMost("endpoint", state.endpoint.length, MAX_TEXT);
  atMost("code", state.code.length, MAX_NAME);
  atMost("reason", state.reason.length, MAX_TEXT);
}

/** What ends up in entries, log lines and decisions (journal.md section 2). */
function checkPlace(
  { nodeId, vclusterId }: { readonly nodeId: string; readonly vclusterId: string },
): void {
  if (!/^([A-Za-z0-9][A-Za-z0-9._:-]{0,252})?$/.test(nodeId)) {
    throw new FrameError("malformed node id");
  }
  if (!/^(_domain|[A-Za-z0-9][A-Za-z0-9_-]{0,62})?$/.test(vclusterId)) {
    throw new FrameError("malformed vCluster id");
  }
}

function checkRefusal(
  { reason, wantedFiles, optionalFiles }: agentport.ConfigRefused,
): void {
  atMost("optional files", optionalFiles.length, MAX_WANTED_FILES);
  atMost("reason", reason.length, MAX_TEXT);
  atMost("wanted files", wantedFiles.length, MAX_WANTED_FILES);
  for (const path of wantedFiles) requireAbsolute("wanted file", path);
}

/** Directories the agent will write to, and lists it keeps. */
function checkConfig(config: agentport.AgentConfig): void {
  checkPlace(config);
  for (const directory of [config.cacheDir, config.stateDir, config.logDir]) {
    requireAbsolute("directory", directory);
  }
  if (config.root !== "") requireAbsolute("root", config.root);
  atMost("watched paths", config.watchPaths.length, MAX_ITEMS);
  atMost("blacklist", config.blacklist.length, MAX_ITEMS);
  atMost("warnings", config.warnings.length, MAX_ITEMS);
  atMost("image roots", config.imageRoots.length, MAX_ITEMS);
  for (const directory of config.imageRoots) requireAbsolute("image root", directory);
  const interfaces = Object.entries(config.interfaces);
  atMost("interfaces", interfaces.length, MAX_ITEMS);
  for (const [name, text] of interfaces) {
    atMost("interface name", name.length, MAX_NAME);
    atMost("interface", text.length, MAX_TEXT);
  }
  atMost("words of the console command", config.consoleCommand.length, MAX_ITEMS);
  atMost("journal hosts", config.journalHosts.length, MAX_ITEMS);
}

function requireAbsolute(what: string, path: string): void {
  if (!isAbsolutePath(path)) throw new FrameError(`${what} path '${path}' is not absolute`);
}
