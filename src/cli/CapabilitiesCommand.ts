import { Console, type Effect } from "effect"
import { ConnectorCapabilities } from "../c1/ConnectorMetadata.ts"
import { capabilities } from "../engine/Connector.ts"
import type { SettingValues } from "./Settings.ts"
import { connectorOf } from "./ConnectorOf.ts"

/** What the connector can do as it is set, in the JSON that C1 keeps in `baton_capabilities.json`. Asks no server. */
export const print = (values: SettingValues): Effect.Effect<void> =>
  Console.log(
    JSON.stringify(
      {
        "@type": ConnectorCapabilities.typeUrl,
        ...JSON.parse(ConnectorCapabilities.toJson(capabilities(connectorOf(values))))
      },
      undefined,
      2
    )
  )
