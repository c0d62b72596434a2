/** A file on its way to C1, as the messages of one `UploadAsset` call. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { Effect, FileSystem, type PlatformError, Stream } from "effect"
import { createHash } from "node:crypto"
import { BatonServiceUploadAssetRequestSchema } from "../c1api/BatonService.ts"

/** C1: a message may hold 1 MiB; connectors send half of it. */
export const chunkSize = 512 * 1024

type Part = Exclude<MessageInitShape<typeof BatonServiceUploadAssetRequestSchema>["msg"], undefined>

/**
 * Who uploads for which task, then the bytes of the file, then their SHA-256. Reads as fast as the messages are taken,
 * so that memory holds a few chunks of a file of any size.
 */
export const messages = (options: { readonly hostId: string; readonly taskId: string; readonly path: string }) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const hash = createHash("sha256")
      const message = (msg: Part) => create(BatonServiceUploadAssetRequestSchema, { msg })
      const data: Stream.Stream<Part, PlatformError.PlatformError> = files.stream(options.path, { chunkSize }).pipe(
        Stream.map((bytes) => {
          hash.update(bytes)
          return { case: "data", value: { data: Uint8Array.from(bytes) } }
        })
      )
      const { hostId, taskId } = options
      return Stream.make<[Part]>({ case: "metadata", value: { hostId, taskId } }).pipe(
        Stream.concat(data),
        Stream.concat(
          Stream.sync((): Part => ({ case: "eof", value: { sha256Checksum: Uint8Array.from(hash.digest()) } }))
        ),
        Stream.map(message)
      )
    })
  )
