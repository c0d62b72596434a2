/**
 * Takes a good `.c1z` file apart, breaks something and puts it together again, for tests of whoever should notice.
 */
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"

const magic = Buffer.from("C1ZF\0", "latin1")

const params = {
  [constants.ZSTD_c_contentSizeFlag]: 1,
  [constants.ZSTD_c_checksumFlag]: 1
}

/** A container around any content, right in every other respect. */
export const container = (content: Uint8Array): Uint8Array =>
  Buffer.concat([magic, zstdCompressSync(content, { params, pledgedSrcSize: content.length })])

/** Replaces the bytes of the file. */
export const mutateFile = (path: string, change: (file: Buffer) => Uint8Array): Effect.Effect<void> =>
  Effect.sync(() => writeFileSync(path, change(readFileSync(path))))

/** Replaces the bytes inside the container. */
export const mutateContent = (path: string, change: (content: Buffer) => Uint8Array): Effect.Effect<void> =>
  mutateFile(path, (file) => container(change(zstdDecompressSync(file.subarray(magic.length)))))

/** Changes the database inside the container. */
export const mutateDatabase = (path: string, change: (database: DatabaseSync) => void): Effect.Effect<void> =>
  mutateContent(path, (content) => {
    const database = new DatabaseSync(":memory:", { defensive: false })
    database.deserialize(content)
    change(database)
    const changed = database.serialize()
    database.close()
    return changed
  })
