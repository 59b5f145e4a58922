import type { ServiceImpl } from "@connectrpc/connect";
import { stream } from "../../api/mod.ts";
import { type BootOptions, bootStream } from "./boot_stream.ts";
import type { ServiceContext } from "./context.ts";
import { subscription } from "./subscription.ts";

/** Boot configuration and updates of it (api.md section 5). */
export function bootConfigService(
  context: ServiceContext,
  options: BootOptions,
): ServiceImpl<typeof stream.BootConfigService> {
  return {
    streamBootConfig: (request, call) => bootStream(context, options, request, call),
    subscribeConfigUpdates: (request, call) =>
      subscription(context, options.metrics, request, call),
  };
}
