/** The files that were handed in. They lie on disk, for they may be large. */
import { Effect, FileSystem, Stream } from "effect"
import { createHash } from "node:crypto"
import { join } from "node:path"
import type { BatonServiceUploadAssetRequest } from "../../c1api/BatonService.ts"
import { invalidArgument, type Refusal } from "./Refusal.ts"
import * as Rules from "./Rules.ts"

/** A file that came whole and unharmed. */
export interface Upload {
  readonly clientId: string
  readonly hostId: string
  readonly taskId: string
  /** 1 for the first time that the task was handed out. */
  readonly claim: number
  /** 0 for the first file since the task was claimed, which is the sync; 1 for the next, which is the debug log. */
  readonly index: number
  /** Where the file lies until the scope of the fake closes. */
  readonly path: string
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
}

/** What an upload says at its start. */
export interface UploadMetadata {
  readonly hostId: string
  readonly taskId: string
}

/** How far an upload has come. */
export interface UploadProgress {
  readonly metadata: UploadMetadata | undefined
  readonly data: ReadonlyArray<number>
  readonly bytes: number
  readonly sha256: string | undefined
}

export interface ReceiveOptions {
  readonly messages: Stream.Stream<BatonServiceUploadAssetRequest, Refusal>
  /** Whether the task may be handed in for; asked at the start, and once more at the end. */
  readonly admit: (metadata: UploadMetadata) => Effect.Effect<void, Refusal>
  /** Called after every message. */
  readonly onProgress: (progress: UploadProgress) => Effect.Effect<void, Refusal>
}

/** A file as it was received. */
export interface Received extends UploadMetadata {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** A folder for files, removed with the scope. */
export const make = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "fake-c1-" }).pipe(Effect.orDie)
  let number = 0

  /**
   * Receives one file: metadata, then data, then eof, whose checksum must be that of the data. What does not come whole is
   * removed.
   */
  const receive = Effect.fnUntraced(function* ({ admit, messages, onProgress }: ReceiveOptions) {
    const path = join(directory, `${++number}`)
    const hash = createHash("sha256")
    let progress: UploadProgress = { metadata: undefined, data: [], bytes: 0, sha256: undefined }
    const sizes: Array<number> = []

    const accept = Effect.fnUntraced(function* (
      { msg }: BatonServiceUploadAssetRequest,
      write: (data: Uint8Array) => Effect.Effect<void>
    ) {
      const { bytes, metadata, sha256 } = progress
      if (msg.case === undefined) return yield* invalidArgument("msg must be metadata, data or eof")
      if (sha256 !== undefined) return yield* invalidArgument(`${msg.case} came after eof`)
      if (msg.case === "metadata") {
        const violation = metadata === undefined ? Rules.uploadMetadata(msg.value) : "metadata came twice"
        if (violation !== undefined) return yield* invalidArgument(violation)
        const { hostId, taskId } = msg.value
        yield* admit({ hostId, taskId })
        progress = { ...progress, metadata: { hostId, taskId } }
      } else if (metadata === undefined) {
        return yield* invalidArgument(`${msg.case} came before metadata`)
      } else if (msg.case === "data") {
        const { data } = msg.value
        const violation = Rules.uploadData(data)
        if (violation !== undefined) return yield* invalidArgument(violation)
        hash.update(data)
        yield* write(data)
        sizes.push(data.byteLength)
        progress = { ...progress, data: sizes, bytes: bytes + data.byteLength }
      } else {
        const violation = Rules.uploadEof(msg.value)
        if (violation !== undefined) return yield* invalidArgument(violation)
        const said = Buffer.from(msg.value.sha256Checksum).toString("hex")
        const got = hash.digest("hex")
        progress = { ...progress, sha256: said }
        if (said !== got) return yield* invalidArgument(`sha256_checksum is ${said}, but the data's is ${got}`)
      }
      yield* onProgress(progress)
    })

    yield* Effect.gen(function* () {
      const file = yield* files.open(path, { flag: "wx" }).pipe(Effect.orDie)
      yield* Stream.runForEach(messages, (message) => accept(message, (data) => Effect.orDie(file.writeAll(data))))
    }).pipe(
      Effect.scoped,
      Effect.andThen(
        Effect.suspend(() => {
          if (progress.metadata === undefined) return Effect.fail(invalidArgument("the stream held no message"))
          if (progress.sha256 === undefined) return Effect.fail(invalidArgument("the stream ended without eof"))
          return admit(progress.metadata)
        })
      ),
      Effect.onError(() => Effect.ignore(files.remove(path)))
    )
    const { bytes, metadata, sha256 } = progress
    const received: Received = {
      hostId: metadata?.hostId ?? "",
      taskId: metadata?.taskId ?? "",
      path,
      bytes,
      sha256: sha256 ?? ""
    }
    return received
  })

  return { receive }
})
