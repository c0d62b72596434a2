/** A request as the simulator sees it, whichever front end it came through. */
export interface SimulatedRequest {
  readonly method: string
  /** Absolute: scheme and host are what the client used, and come back in `next` links. */
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}
