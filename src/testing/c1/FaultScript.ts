/** Which fault befalls which call: what a script says, then what the rule says, else none. */
import { type CallName, Fault, type FaultRule } from "./Fault.ts"

export interface FaultScript {
  /** The fault of a call that has just come. */
  readonly next: (name: CallName) => Fault
  /** Appends faults for the next calls of a name, one each. */
  readonly append: (name: CallName, faults: ReadonlyArray<Fault>) => void
  readonly setRule: (rule: FaultRule | undefined) => void
}

export const make = (initial: FaultRule | undefined): FaultScript => {
  let rule = initial
  const scripts = new Map<CallName, ReadonlyArray<Fault>>()
  const counts = new Map<CallName, number>()
  return {
    next: (name) => {
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      const [scripted, ...rest] = scripts.get(name) ?? []
      scripts.set(name, rest)
      return scripted ?? rule?.({ name, nth }) ?? Fault.None()
    },
    append: (name, faults) => void scripts.set(name, [...(scripts.get(name) ?? []), ...faults]),
    setRule: (next) => {
      rule = next
    }
  }
}
