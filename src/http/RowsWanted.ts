/** How a client of HTTP that can leave out what nobody reads is told what is read, and tells what it left out. */
import { Context, Data } from "effect"
import type { Problem } from "./HttpThreadMessage.ts"
import type { CutBytes } from "./RowCuts.ts"
import type { RowTrimOptions } from "./RowTrim.ts"

export interface RowsWanted {
  readonly trim: RowTrimOptions
  /**
   * Told how many bytes of the body have come so far, unpacked and with what is left out; and whether that was all of an
   * answer of success.
   */
  readonly onReceived: (bytes: number, isWhole: boolean) => void
  /** Told of each piece of the body that is trimmed, before it is in the stream: where the rows stand in it. */
  readonly onTrimmed: (part: CutBytes) => void
}

/** What is read of the answers to the requests of a fiber; all of them unless told. Most clients pay no heed to it. */
export const RowsWanted = Context.Reference<RowsWanted | undefined>("baton-posthog/http/RowsWanted", {
  defaultValue: () => undefined
})

/** Why a client that looks through answers took no more of one: the cause of its error. */
export class AnswerProblem extends Data.TaggedError("AnswerProblem")<Problem> {}
