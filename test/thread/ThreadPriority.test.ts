import { assert, describe, it } from "@effect/vitest"
import { getPriority } from "node:os"
import { Worker } from "node:worker_threads"

const entry = new URL("../../src/thread/ThreadPriority.ts", import.meta.url)

/** The niceness of a thread before and after it gave way. */
const ofThread = (): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const code = `
      const { getPriority } = require("node:os")
      const { parentPort } = require("node:worker_threads")
      const before = getPriority()
      import(${JSON.stringify(entry.href)}).then(({ giveWay }) => {
        giveWay()
        parentPort.postMessage([before, getPriority()])
      })
    `
    new Worker(code, { eval: true }).once("message", resolve).once("error", reject)
  })

describe("ThreadPriority", () => {
  it.skipIf(process.platform !== "linux")("lets the thread give way that asks for it, and no other", async () => {
    const own = getPriority()
    assert.deepStrictEqual(await ofThread(), [own, Math.min(19, own + 10)])
    assert.strictEqual(getPriority(), own)
  })

  it.skipIf(process.platform === "linux")("leaves a process as it is where threads have no niceness", async () => {
    const own = getPriority()
    assert.deepStrictEqual(await ofThread(), [own, own])
  })
})
