export { type DependencyFault, dependencyFault, faultText } from "./dependency_fault.ts";
