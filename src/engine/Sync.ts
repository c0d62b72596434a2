import {
  Array as Arr,
  type Cause,
  Deferred,
  Effect,
  Exit,
  Fiber,
  type Pull,
  Queue,
  type Scope,
  Semaphore,
  Stream
} from "effect"
import type { Grant } from "../c1/Grant.ts"
import { resourceKey } from "../c1/Ids.ts"
import type { Resource } from "../c1/Resource.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { SyncRecord } from "../c1/SyncRecord.ts"
import type { Connector, ResourceSyncer } from "./Connector.ts"
import * as Integrity from "./Integrity.ts"
import { Progress } from "./Progress.ts"
import type { SyncNote, SyncReport } from "./SyncReport.ts"

/** Which part of the source a sync is about; all of it unless told. */
export interface SyncScope {
  /** Ids of the resource types to list; grants of holders of other types are left out. */
  readonly resourceTypes?: ReadonlyArray<string> | undefined
  /** Lists resources only. */
  readonly skipEntitlementsAndGrants?: boolean | undefined
  /**
   * Resources to list. Of types on which something can be held only these are, with who holds it; other types are
   * listed whole when holders may be among them, and otherwise these only.
   */
  readonly resources?: ReadonlyArray<ResourceId> | undefined
}

export interface SyncOptions {
  /** How many requests for grants the source takes at a time; 4 unless told. Twice as many resources are begun. */
  readonly concurrency?: number
  readonly scope?: SyncScope | undefined
  /** Whether a grant whose holder is not in the sync fails it; otherwise such grants are left out and counted. */
  readonly strict?: boolean | undefined
}

/** One sync, not yet begun: the records as a stream, and what it has done so far. */
export interface SyncRun<out E, out R> {
  /**
   * Resource types, resources, entitlements, grants, each in source order, whatever arrives first. Pulling drives the
   * sync; a failure means that what came before is not the whole.
   */
  readonly records: Stream.Stream<SyncRecord, E | Integrity.IntegrityProblem, R>
  /** Counts and notes up to now; final once `records` has ended. */
  readonly report: Effect.Effect<SyncReport>
  /** Whether a resource was emitted. */
  readonly has: (id: ResourceId) => boolean
}

/** A resource whose grants are on their way. */
interface GrantListing<E, R> {
  readonly resource: Resource
  readonly pages: Stream.Stream<ReadonlyArray<Grant>, E, R>
  /** Its turn has come. */
  readonly begin: Effect.Effect<unknown>
  readonly whyUnknown: ((grant: Grant) => string) | undefined
}

/** What is checked of a page at a time, until nothing is left of it. */
type Parts = () => Integrity.Checked | undefined

/**
 * Records that are checked, and written, before somebody else has a turn: at 50 ms a request, those of 500 at a time held
 * the next requests up for 0.7 ms each.
 */
const perTurn = 100

const partsOf = <A>(page: ReadonlyArray<A>, check: (part: ReadonlyArray<A>) => Integrity.Checked): Parts => {
  let at = 0
  return () => {
    if (at >= page.length) return undefined
    const part = page.length <= perTurn ? page : page.slice(at, at + perTurn)
    at += perTurn
    return check(part)
  }
}

/** Pages of grants read ahead for one resource. */
const pagesAhead = 2

/**
 * Resources, for each that may be read at the same time, whose grants may have been read before their turn: while other
 * records take their time, the source need not wait. Those that wait as grants, and not as what makes them, count as twelve.
 */
const waitingAhead = 48
const waitingAsGrants = 12

/** Resources, for each that may be read at the same time, that are begun: the next request stands ready when one ends. */
const begunAhead = 2

/**
 * Turns a connector into a stream of records. Listings of different types run side by side; resources that offer
 * entitlements are kept until their grants are read, all others are passed on and forgotten.
 *
 * @example
 * const run = Sync.make(connector)
 * const file = yield* Stream.run(run.records, C1zSink.make({ path: "sync.c1z", syncId }))
 * const { counts } = yield* run.report
 */
export const make = <E, R>(connector: Connector<E, R>, options: SyncOptions = {}): SyncRun<E, R> => {
  /** What a listing may fail with once the scope is applied. */
  type F = E | Integrity.ResourceNotFound
  const scope = options.scope ?? {}
  const isInScope = (type: string) => scope.resourceTypes === undefined || scope.resourceTypes.includes(type)
  const makeIntegrity = () =>
    Integrity.make({
      strict: options.strict,
      omittedTypes: connector.types.map((type) => type.resourceType).filter((type) => !isInScope(type.id))
    })
  /** Of the run that was begun last. */
  let integrity = makeIntegrity()
  const concurrency = options.concurrency ?? 4
  /** The connector's own notes, once its session is open. */
  let notes: Effect.Effect<ReadonlyArray<SyncNote>> = Effect.succeed([])

  /**
   * Checks pages, each in its turn, and gives out what was right, up to the first problem. By hand, and behind what can
   * interrupt it: as operators of streams it took 2.14 s to stream 50,000 members and 100,000 grants in place of 2.09.
   */
  const emit = <E2, R2>(
    pages: Stream.Stream<Parts, E2, R2>
  ): Stream.Stream<SyncRecord, E2 | Integrity.IntegrityProblem, R2> =>
    Stream.transformPull(pages, (pull) =>
      Effect.map(Progress, (progress) => {
        let waiting: ReadonlyArray<Parts> = []
        let at = 0
        let problem: Integrity.IntegrityProblem | undefined
        const take = Effect.flatMap(pull, (pages) => {
          waiting = pages
          at = 0
          return next
        })
        const next: Pull.Pull<Arr.NonEmptyReadonlyArray<SyncRecord>, E2 | Integrity.IntegrityProblem> = Effect.suspend(
          () => {
            if (problem !== undefined) return Effect.fail(problem)
            const part = waiting[at]
            if (part === undefined) return take
            const checked = part()
            if (checked === undefined) {
              at++
              return Effect.andThen(progress.update(integrity.counts()), next)
            }
            const { records } = checked
            problem = checked.problem
            // Answers that came meanwhile are taken, so that the next requests need not wait for these records.
            return Effect.andThen(
              Effect.yieldNow,
              Arr.isReadonlyArrayNonEmpty(records) ? Effect.succeed(records) : next
            )
          }
        )
        return next
      })
    )

  const records = Effect.gen(function* () {
    integrity = makeIntegrity()
    const session = yield* connector.open
    notes = session.notes ?? notes
    const syncers = within(
      scope,
      session.syncers.filter((syncer) => isInScope(syncer.resourceType.id))
    )
    const types = syncers.map((syncer) => syncer.resourceType)
    /** The first failure of a listing that runs ahead; it must not wait for its turn to be seen. */
    const failure = yield* Deferred.make<never, F>()
    const failEarly = <A, E2 extends F, R2>(effect: Effect.Effect<A, E2, R2>) =>
      Effect.tapCause(effect, (cause) => Deferred.failCause(failure, cause))

    const listings = yield* Effect.forEach(syncers, (syncer) =>
      Effect.gen(function* () {
        if (syncer.entitlements === undefined && !hasGrants(syncer)) {
          return { syncer, resources: syncer.resources, kept: undefined }
        }
        const fiber = yield* Effect.forkScoped(failEarly(collectLasting(syncer)))
        return { syncer, resources: Stream.fromArrayEffect(Fiber.join(fiber)), kept: Fiber.join(fiber) }
      })
    )
    const holdings = listings.flatMap(({ kept, syncer }) => (kept === undefined ? [] : [{ kept, syncer }]))

    /** Reads grants ahead of their turn, in order, a bounded number of resources at a time. */
    const ahead = yield* Queue.unbounded<GrantListing<F, R>, F | Cause.Done>()
    const room = yield* Semaphore.make(concurrency * waitingAhead)
    const turns = yield* Semaphore.make(concurrency * begunAhead)
    yield* Effect.gen(function* () {
      for (const { kept, syncer } of holdings) {
        if (!hasGrants(syncer) || syncer.heldBy?.some(isInScope) === false) continue
        const size = syncer.readGrants === undefined ? waitingAsGrants : 1
        for (const resource of yield* kept) {
          yield* turns.take(1)
          const pages = yield* readAhead(
            syncer,
            resource,
            (cause) => Deferred.failCause(failure, cause),
            turns.release(1)
          )
          yield* room.take(size)
          yield* Queue.offer(ahead, { resource, pages, begin: room.release(size), whyUnknown: syncer.whyUnknown })
        }
      }
    }).pipe(
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Queue.end(ahead) : Queue.failCause(ahead, exit.cause))),
      Effect.forkScoped
    )

    const entitlements = Stream.fromIterable(holdings).pipe(
      Stream.flatMap(({ kept, syncer: { entitlements } }) =>
        entitlements === undefined
          ? Stream.empty
          : Stream.fromArrayEffect(kept).pipe(
              Stream.mapEffect((resource) =>
                Effect.map(entitlements(resource), (found) =>
                  partsOf(found, (part) => integrity.entitlements(resource, part))
                )
              )
            )
      )
    )
    const grants = Stream.fromQueue(ahead).pipe(
      Stream.tap(({ begin }) => begin),
      Stream.flatMap(({ pages, resource, whyUnknown }) => {
        let isBegun = false
        const check = (part: ReadonlyArray<Grant>) => {
          // Not before: those of the resource before may still be waited for.
          if (!isBegun) {
            isBegun = true
            integrity.grantsOf(resource, whyUnknown)
          }
          return integrity.grants(part)
        }
        return Stream.map(pages, (page) => partsOf(page, check))
      })
    )

    return Stream.succeed(partsOf(types, integrity.resourceTypes)).pipe(
      Stream.concat(
        Stream.fromIterable(listings).pipe(
          Stream.flatMap(({ kept, resources, syncer }) => {
            const pages = Stream.map(Stream.chunks(resources), (page) => partsOf(page, integrity.resources))
            return kept !== undefined || syncer.left === undefined
              ? pages
              : Stream.concat(pages, Stream.fromEffect(Effect.map(syncer.left, (ids) => partsOf(ids, integrity.left))))
          })
        )
      ),
      Stream.concat(entitlements),
      Stream.concat(grants),
      Stream.interruptWhen(Deferred.await(failure)),
      emit
    )
  })

  return {
    records: Stream.scoped(Stream.unwrap(records)),
    report: Effect.suspend(() =>
      Effect.map(notes, (own): SyncReport => {
        // Rows of a list that was read again come twice for that reason, which is told already.
        const isTold = own.some((note) => note.code === "read-again")
        const all = [...integrity.notes().filter((note) => !isTold || note.code !== "duplicate-resources"), ...own]
        return {
          verdict: all.some((note) => note.severity === "partial") ? "partial" : "complete",
          counts: integrity.counts(),
          notes: all
        }
      })
    ),
    has: (id) => integrity.has(id)
  }
}

const hasGrants = <E, R>({ grants, readGrants }: ResourceSyncer<E, R>): boolean =>
  grants !== undefined || readGrants !== undefined

/**
 * Begins to read the grants of a resource, and gives them as a stream for its turn; `done` is run when nothing is waited
 * for any more.
 */
const readAhead = <E, R>(
  { grants, readGrants }: ResourceSyncer<E, R>,
  resource: Resource,
  onFailure: (cause: Cause.Cause<E>) => Effect.Effect<unknown>,
  done: Effect.Effect<unknown>
): Effect.Effect<Stream.Stream<ReadonlyArray<Grant>, E, R>, never, R | Scope.Scope> => {
  if (readGrants !== undefined) {
    return readGrants(resource).pipe(
      Effect.tapCause(onFailure),
      Effect.ensuring(done),
      Effect.forkScoped,
      Effect.map((fiber) => Stream.chunks(Stream.unwrap(Fiber.join(fiber))))
    )
  }
  return Effect.gen(function* () {
    const pages = yield* Queue.bounded<ReadonlyArray<Grant>, E | Cause.Done>(pagesAhead)
    yield* (grants?.(resource) ?? Stream.empty).pipe(
      Stream.chunks,
      Stream.tapCause(onFailure),
      Stream.runIntoQueue(pages),
      Effect.ensuring(done),
      Effect.forkScoped
    )
    return Stream.fromQueue(pages)
  })
}

/** The syncers as far as a scope wants them. */
const within = <E, R>(
  scope: SyncScope,
  syncers: ReadonlyArray<ResourceSyncer<E, R>>
): ReadonlyArray<ResourceSyncer<E | Integrity.ResourceNotFound, R>> => {
  /** Those of the wanted resources that are of the syncer's type; one that is not there fails the sync. */
  const only = (
    syncer: ResourceSyncer<E, R>,
    resources: ReadonlyArray<ResourceId>
  ): ResourceSyncer<E | Integrity.ResourceNotFound, R> => {
    const wanted = resources
      .filter((resource) => resource.resourceType === syncer.resourceType.id)
      .map((resource) => resourceKey(resource))
    const missing = new Set(wanted)
    const notFound = Stream.suspend(() => {
      const [first] = missing
      return first === undefined
        ? Stream.empty
        : Stream.fail(new Integrity.ResourceNotFound({ resource: first.replace(":", " ") }))
    })
    return {
      ...syncer,
      resources: syncer.resources.pipe(
        Stream.filter((resource) => wanted.includes(resourceKey(resource.id))),
        Stream.tap((resource) => Effect.sync(() => missing.delete(resourceKey(resource.id)))),
        Stream.concat(notFound)
      )
    }
  }
  const listed =
    scope.skipEntitlementsAndGrants === true
      ? syncers.map(({ left, resources, resourceType }) => ({
          resourceType,
          resources,
          ...(left === undefined ? {} : { left })
        }))
      : syncers
  const { resources } = scope
  if (resources === undefined) return listed
  const offers = (syncer: ResourceSyncer<E, R>) => syncer.entitlements !== undefined || hasGrants(syncer)
  const offering = listed.filter(offers).map((syncer) => syncer.resourceType.id)
  const needsHolders = resources.some((resource) => offering.includes(resource.resourceType))
  return listed
    .filter(
      (syncer) =>
        (needsHolders && !offers(syncer)) ||
        resources.some((resource) => resource.resourceType === syncer.resourceType.id)
    )
    .map((syncer) => (needsHolders && !offers(syncer) ? syncer : only(syncer, resources)))
}

/** Every resource of a type as it was at the end of the listing: the last of each id, without those that left. */
const collectLasting = Effect.fnUntraced(function* <E, R>(syncer: ResourceSyncer<E, R>) {
  const byKey = new Map<string, Resource>()
  yield* Stream.runForEachArray(syncer.resources, (page) =>
    Effect.sync(() => {
      for (const resource of page) byKey.set(resourceKey(resource.id), resource)
    })
  )
  for (const id of yield* syncer.left ?? Effect.succeed([])) byKey.delete(resourceKey(id))
  return [...byKey.values()]
})
