import * as PostHogConnector from "../posthog/PostHogConnector.ts"
import type { SettingValues } from "./Settings.ts"

/** The connector as the settings want it. */
export const connectorOf = (values: SettingValues) =>
  PostHogConnector.make({
    memberships: values.memberships,
    allowPartial: values.allowPartial,
    seatEntitlements: values.seatEntitlements
  })
