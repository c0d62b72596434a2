/** A file that is larger than the memory that handing it in may take. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from "node:fs"
import { basename, join } from "node:path"
import { rolldown } from "rolldown"
import { FakeC1 } from "../../src/testing/c1/index.ts"
import { directory, execute } from "../e2e/Harness.ts"
import * as Replica from "./Replica.ts"
import { thorough } from "../Thorough.ts"

const mebibyte = 1024 ** 2

/** Writes so many mebibytes of which no two are the same; answers with their SHA-256. */
const write = (path: string, mebibytes: number): string => {
  const hash = createHash("sha256")
  const file = openSync(path, "w")
  const piece = Buffer.alloc(mebibyte, createHash("sha256").update("a file of no meaning").digest())
  for (let n = 0; n < mebibytes; n++) {
    piece.writeUInt32BE(n, 0)
    hash.update(piece)
    writeSync(file, piece)
  }
  closeSync(file)
  return hash.digest("hex")
}

/** Bundles a script as the command is built: unbundled, its modules alone hold what is at stake here. */
const bundle = (script: string, dir: string) =>
  Effect.promise(async () => {
    const build = await rolldown({ input: script, platform: "node", logLevel: "silent" })
    await build.write({ dir, format: "esm" })
    await build.close()
    return join(dir, `${basename(script, ".ts")}.js`)
  })

/** Those that the command sets for itself. */
const v8Flags = ["--optimize-for-size", "--no-maglev"]

describe.runIf(thorough && existsSync("/proc/self/status"))("an upload", () => {
  it.live("of 300 MiB arrives whole, and takes less than 150 MiB of memory", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const cwd = yield* directory
      const path = join(cwd, "sync.c1z")
      const sha256 = write(path, 300)
      yield* c1.enqueue({ taskType: { case: "syncFull", value: {} } })
      const certificate = join(cwd, "c1.pem")
      writeFileSync(certificate, c1.certificatePem)
      const script = yield* bundle(join(import.meta.dirname, "UploadReplica.ts"), cwd)
      const { code, stderr, stdout } = yield* execute(process.execPath, [...v8Flags, script], {
        cwd,
        env: { ...Replica.environment(certificate, [c1]), HOST_ID: "host-1", FILE: path }
      })
      assert.strictEqual(code, 0, stderr)
      const [upload] = yield* c1.uploads
      assert.deepInclude(upload, { bytes: 300 * mebibyte, sha256 })
      const { peak }: { readonly peak: number } = JSON.parse(stdout)
      assert.isBelow(peak, 150 * mebibyte)
    }).pipe(Effect.scoped, Effect.provide(FakeC1.layer()))
  )
})
