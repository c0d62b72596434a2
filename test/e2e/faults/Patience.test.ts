/** Servers that fail for good after they have answered: the command asks again for a while, and then says how to go on. */
import { describe, it } from "@effect/vitest"
import * as FaultyProxy from "../FaultyProxy.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { argsWith, through } from "./Faulty.ts"
import { thorough } from "../../Thorough.ts"

const isLaterPage = ({ about, url }: FaultyProxy.Passing): boolean =>
  about === "members" && !url.includes("offset=0") && url.includes("offset=")

describe.skipIf(!thorough).concurrent("patience ends", () => {
  it.live.each<readonly [FaultName, FaultyProxy.Fault, ReadonlyArray<string>?]>([
    [
      "D5: a body that takes longer than it may (--body-timeout-seconds)",
      FaultyProxy.drip(10, 20),
      [...argsWith(5), "--body-timeout-seconds", "1"]
    ],
    [
      "D5: a sync that takes longer than it may (--sync-timeout-seconds)",
      FaultyProxy.silence,
      [...argsWith(30), "--sync-timeout-seconds", "2"]
    ],
    ["C1: 503 for the members, always", FaultyProxy.gatewayError(503)],
    ["D5: a head that never ends", FaultyProxy.endlessHead],
    ["F1: a body that stalls, always", FaultyProxy.stallInBody]
  ])("%s", ([name, fault, args = argsWith(1)]) => through(name, FaultyProxy.when(isLaterPage, fault), args), 60_000)
})
