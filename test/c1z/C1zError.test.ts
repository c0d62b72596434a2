import { assert, describe, it } from "@effect/vitest"
import { DatabaseSync } from "node:sqlite"
import { Result } from "effect"
import { C1zError, C1zErrorReason, fromCause } from "../../src/c1z/C1zError.ts"

const thrownBy = (run: () => unknown): unknown =>
  Result.match(Result.try(run), { onFailure: (cause) => cause, onSuccess: () => undefined })

describe("C1zError", () => {
  it("says what happened, that the old file is unchanged, and what to do", () => {
    assert.strictEqual(
      new C1zError({ reason: "ReadOnlyFileSystem", path: "out/sync.c1z", detail: "EROFS" }).message,
      "Cannot write out/sync.c1z: the file system is read-only (EROFS). A file that was there before is unchanged. " +
        "Choose a path on a writable file system."
    )
  })

  it("has words for every reason", () => {
    for (const reason of C1zErrorReason.literals) {
      assert.match(
        new C1zError({ reason, path: "p" }).message,
        /^Cannot write p: .+\. A file .+ unchanged\. [A-Z].+\w\.$/
      )
    }
  })

  it("knows what SQLite reports, by its own codes", () => {
    const database = new DatabaseSync(":memory:")
    database.exec("create table t (v text not null unique); insert into t values ('x')")
    const reason = (statement: string) => fromCause("p")(thrownBy(() => database.exec(statement))).reason
    assert.strictEqual(reason("insert into t values ('x')"), "DuplicateRecord")
    assert.strictEqual(reason("insert into t values (null)"), "Io")
    assert.strictEqual(
      reason("pragma max_page_count = 3; create table u (v); insert into u values (zeroblob(99999))"),
      "DiskFull"
    )
    database.close()
  })
})
