/** The network from hell: what is done to the bytes between the command and the server, and what comes of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FaultyProxy from "../FaultyProxy.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { argsWith, through } from "./Faulty.ts"

const { once, when } = FaultyProxy

const isMembers = ({ about }: FaultyProxy.Passing): boolean => about === "members"

/** The first time that a page is asked for, whatever list it is of. */
const eachOnce = ({ about, attempt }: FaultyProxy.Passing): boolean => attempt === 1 && about !== ""

const offsetOf = ({ url }: FaultyProxy.Passing): number =>
  Number(new URL(url, "http://127.0.0.1").searchParams.get("offset") ?? 0)

const at = (offset: number) => (url: URL) => url.searchParams.set("offset", String(offset))

describe.concurrent("every page fails once and is asked for again", () => {
  it.live.each<readonly [FaultName, FaultyProxy.Fault]>([
    ["C1: 502 for every page, once each", FaultyProxy.gatewayError(502)],
    ["C1: 503 for every page, once each", FaultyProxy.gatewayError(503)],
    ["C1: 504 for every page, once each", FaultyProxy.gatewayError(504)],
    ["D2: a body cut in the middle", FaultyProxy.closeInBody],
    ["D2: a body that ends early and whose length nobody told", FaultyProxy.closeInUnmeasuredBody],
    ["D2: chunks that break off", FaultyProxy.closeInChunks],
    ["D2: a chunk whose length is no number", FaultyProxy.brokenChunks],
    ["D2: a compressed body that ends early", FaultyProxy.truncatedGzip],
    ["D2: a compressed body that was damaged", FaultyProxy.damagedGzip],
    ["D2: more bytes promised than come", FaultyProxy.lengthTooLarge],
    ["D2: fewer bytes promised than come", FaultyProxy.lengthTooSmall],
    ["D2: two lengths that disagree", FaultyProxy.twoLengths],
    ["F1: a connection reset before an answer", FaultyProxy.resetBeforeHead],
    ["F1: a connection closed before an answer", FaultyProxy.closeBeforeHead],
    ["F1: a connection reset in the head", FaultyProxy.resetInHead],
    ["F1: a connection reset after the head", FaultyProxy.resetAfterHead],
    ["F1: a connection reset in the body", FaultyProxy.resetInBody],
    ["F1: no answer, once", FaultyProxy.silence],
    ["F1: a head that stalls, once", FaultyProxy.stallInHead],
    ["F1: a body that stalls, once", FaultyProxy.stallInBody]
  ])("%s", ([name, fault]) =>
    Effect.gen(function* () {
      const { asked } = yield* through(name, when(eachOnce, fault))
      for (const url of new Set(asked.filter((one) => one.includes("limit=")))) {
        assert.strictEqual(asked.filter((one) => one === url).length, 2, url)
      }
    })
  )
})

describe.concurrent("every page fails for good", () => {
  it.live.each<readonly [FaultName, FaultyProxy.Fault]>([
    ["D5: a page that never ends", when(isMembers, FaultyProxy.endlessChunks)],
    ["D5: a megabyte that unpacks to a gigabyte", when(isMembers, FaultyProxy.gzipBomb)],
    ["D5: thousands of headers", FaultyProxy.manyHeaders],
    ["F1: a server that does not speak HTTP", FaultyProxy.babble],
    ["F1: connections that are always reset", FaultyProxy.resetBeforeHead]
  ])("%s", ([name, fault]) =>
    Effect.gen(function* () {
      // None of these is silent; but what unpacks to a gigabyte is made in the process of the servers, which wait meanwhile.
      const { ended } = yield* through(name, fault, [...argsWith(20), "--log-level", "debug"])
      const [, peak = "0"] = /peak memory (\d+)/.exec(ended.stderr) ?? []
      assert.isBelow(Number(peak), 300, ended.stderr)
    })
  )
})

describe.concurrent("pages that are not what was asked for", () => {
  it.live("D2: one page in place of another, once", () =>
    through(
      "D2: one page in place of another, once",
      when((passing) => once("members")(passing) && offsetOf(passing) === 18, FaultyProxy.instead(at(0)))
    )
  )

  it.live("D2: two pages change places, once", () =>
    through("D2: two pages change places, once", (socket, answer, passing) => {
      const offset = offsetOf(passing)
      const isTouched = once("members")(passing) && offset > 0
      return isTouched
        ? FaultyProxy.instead(at(offset === 9 ? 18 : 9))(socket, answer, passing)
        : FaultyProxy.pass(socket, answer, passing)
    })
  )

  it.live("D2: the first page in place of every other", () =>
    through(
      "D2: the first page in place of every other",
      when((passing) => isMembers(passing) && offsetOf(passing) > 0, FaultyProxy.instead(at(0)))
    )
  )
})

describe.concurrent("answers that are odd, and right", () => {
  it.live("D5: bytes that drip, but come", () =>
    through(
      "D5: bytes that drip, but come",
      when(({ about }) => about === "roles", FaultyProxy.drip(100, 2))
    )
  )
})
