/** A file on its way to C1, as the messages of one `UploadAsset` call. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { Effect, FileSystem, Stream } from "effect"
import { createHash } from "node:crypto"
import { BatonServiceUploadAssetRequestSchema } from "../c1api/BatonService.ts"

/** C1: a message may hold 1 MiB; connectors send half of it. */
export const chunkSize = 128 * 1024

type Part = Exclude<MessageInitShape<typeof BatonServiceUploadAssetRequestSchema>["msg"], undefined>

/** Pieces of a file, all of the same size but the last. They share their memory: each is good until the next is asked for. */
const pieces = (path: string) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const file = yield* files.open(path)
      const memory = new Uint8Array(chunkSize)
      const fill = Effect.gen(function* () {
        let filled = 0
        while (filled < chunkSize) {
          const read = Number(yield* file.read(memory.subarray(filled)))
          if (read === 0) break
          filled += read
        }
        return memory.subarray(0, filled)
      })
      return Stream.fromEffectRepeat(fill).pipe(Stream.takeWhile((piece) => piece.length > 0))
    })
  )

/**
 * Who uploads for which task, then the bytes of the file, then their SHA-256. Reads as fast as the messages are taken:
 * each must be encoded before the next is asked for, so that memory holds one piece of a file of any size.
 */
export const messages = (options: { readonly hostId: string; readonly taskId: string; readonly path: string }) =>
  Stream.suspend(() => {
    const { hostId, path, taskId } = options
    const hash = createHash("sha256")
    return Stream.make<[Part]>({ case: "metadata", value: { hostId, taskId } }).pipe(
      Stream.concat(
        Stream.map(pieces(path), (data): Part => {
          hash.update(data)
          return { case: "data", value: { data } }
        })
      ),
      Stream.concat(
        Stream.sync((): Part => ({ case: "eof", value: { sha256Checksum: new Uint8Array(hash.digest()) } }))
      ),
      Stream.map((msg) => create(BatonServiceUploadAssetRequestSchema, { msg }))
    )
  })
