import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { ConnectorCapabilities } from "../c1/ConnectorMetadata.ts"
import { capabilities } from "../engine/Connector.ts"
import { connector } from "../posthog/PostHogConnector.ts"

/** What the connector can do, as the JSON that C1 keeps in `baton_capabilities.json`. Needs no settings. */
export const text: string = JSON.stringify(
  {
    "@type": ConnectorCapabilities.typeUrl,
    ...JSON.parse(ConnectorCapabilities.toJson(capabilities(connector)))
  },
  undefined,
  2
)

export const command = Command.make("capabilities", {}, () => Console.log(text).pipe(Effect.asVoid)).pipe(
  Command.withDescription("Print what this connector can do, as JSON for C1")
)
