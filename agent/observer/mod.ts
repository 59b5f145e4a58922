/** Event sources that make drift visible before the next scan (node-ops.md section 1). */
export { type FileObserver, type FileObserverOptions, openFileObserver } from "./file_observer.ts";
export { type WatchPlan, watchPlan } from "./watch_plan.ts";
