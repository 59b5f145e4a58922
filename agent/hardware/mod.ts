/**
 * The node's devices: drivers by their aliases, device nodes (agent.md section 3.4).
 *
 * @module
 */
export { type Coldplug, type ColdplugOptions, openColdplug } from "./coldplug.ts";
export { modeOfNode } from "./device_nodes.ts";
export { matchesGlob } from "./glob.ts";
export {
  type ModuleFile,
  type ModuleIndex,
  moduleIndex,
  type ModuleTables,
} from "./module_index.ts";
export { type LoadReport, ModuleLoader } from "./module_loader.ts";
export { type ModuleControl, openModuleControl } from "./module_control.ts";
export { decodeUevent, type Uevent } from "./uevent.ts";
