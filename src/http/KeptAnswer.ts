/**
 * What is remembered of an answer: JSON that says the same to the reader of its rows, without what it does not use. A
 * tenth of most answers, and none of it is kept in memory for longer than a chunk.
 */
import type { JsonRow, JsonRowsTarget } from "./JsonRows.ts"
import type { RowReader } from "./RowReader.ts"

export interface KeptAnswer {
  /** Hands on to the reader what it is given, and takes it down. */
  readonly target: JsonRowsTarget
  /** What there is to write since the last time; nothing while it is little. */
  readonly take: () => string | undefined
  /** The last of it; `body` is what was around the rows. Nothing for an answer that has no rows to be remembered. */
  readonly end: (body: unknown) => string | undefined
}

/** Characters from which on they are worth being written. */
const enough = 64 * 1024

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The members of an object but one, as they continue an object that was begun. */
const continued = (value: Readonly<Record<string, unknown>>, but: string): string => {
  const rest = JSON.stringify(Object.fromEntries(Object.entries(value).filter(([key]) => key !== but)))
  return rest === "{}" ? "]}" : `],${rest.slice(1)}`
}

export const make = (rows: RowReader): KeptAnswer => {
  const { inner } = rows
  const kept = rows.kept ?? ((row: JsonRow) => row.json())
  let parts: Array<string> = ['{"results":[']
  let size = 0
  let hasRows = false
  let hasItems = false
  const add = (part: string): void => {
    parts.push(part)
    size += part.length
  }
  const separator = (): string => {
    if (hasRows) return ","
    hasRows = true
    return ""
  }
  const take = (): string => {
    const text = parts.join("")
    parts = []
    size = 0
    return text
  }
  return {
    target: {
      fields: rows.fields,
      onRow: (row) => {
        rows.onRow(row)
        if (inner === undefined) add(separator() + kept(row))
        else if (!hasItems) add(separator() + row.json())
        else {
          const value: unknown = JSON.parse(row.json())
          // A row of which items were split off is an object.
          if (isObject(value)) add(continued(value, inner.key))
          hasItems = false
        }
      },
      inner:
        inner === undefined
          ? undefined
          : {
              key: inner.key,
              onItem: (item) => {
                inner.onItem(item)
                add((hasItems ? "," : `${separator()}{${JSON.stringify(inner.key)}:[`) + kept(item))
                hasItems = true
              }
            }
    },
    take: () => (size < enough ? undefined : take()),
    end: (body) => {
      if (!isObject(body) || !Array.isArray(body["results"]) || body["results"].length > 0) return undefined
      add(continued(body, "results"))
      return take()
    }
  }
}
