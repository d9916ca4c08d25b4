/*
 * The protocol by which processes share ports, for the model checker Spin. `pnpm run protocol`
 * checks it. docs/how-it-works.md describes the protocol in prose, and docs/protocol.md says what
 * the model shows and what it leaves out.
 *
 *   processes   workers 1 and 4 and claimer 3 are in network namespace 0, worker 2 is in namespace 1
 *   slices      two, with two ports each to hand out: ports 0 and 1, ports 2 and 3
 *   claims      of port 0, by the claimer and by a worker that holds the slice of port 0
 *
 * Each `atomic` is one system call, or one decision. Between two of them a process may be killed,
 * or wait for any time: a process that is stopped is one that takes no step for a while.
 *
 * The names in `#ifdef` remove or break one mechanism each. check.js requires that a property
 * fails then. WAITING, PROPERTY, DEAD_IS_LEASED and GETS_TURN select what is checked.
 */

#ifndef SLICES
#define SLICES 2
#endif
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef MAX_KILLS
#define MAX_KILLS 2
#endif
#ifndef MAX_STOPS /* How often a lock can look stale while its owner lives. */
#define MAX_STOPS 0
#endif

#define PORTS (SLICES * 2)
#define NONE 0
#define PROCESSES 5 /* They are numbered from 1. */
#define DEAD 9      /* a lock whose owner is dead: its liveness socket refuses */

/* Sockets that the kernel closes when their owner dies, per network namespace. */
byte sentinel[2 * SLICES]
byte claimSocket[2] /* of port 0 */

/*
 * Files in the lock directory, which the namespaces share. A lock is a directory with the liveness
 * socket of its owner in it. The socket listens before the directory is renamed to the name of the
 * lock, so the lock and its liveness socket appear in one step. The name of the socket, the token,
 * is unique.
 */
byte lock[SLICES]   /* its owner */
bit noted[PORTS]    /* in the journal: the port is out, or in quarantine */
bit claimNoted      /* the note of a claim of port 0, which outlives its claimer */

/*
 * What each port is used for in each namespace. The protocol sees LISTENING by a probe, and does
 * not see whether a process of a dead run still may bind the port (ORPHAN, CLAIM_ORPHAN).
 */
mtype = { FREE, HELD, CLAIMED, ORPHAN, CLAIM_ORPHAN, LISTENING }
mtype use[2 * PORTS] = FREE
#define useIn(namespace, port) use[(namespace) * PORTS + (port)]

byte victim         /* the process that is being killed, before another takes a step */
byte kills
#define mayRun (victim == NONE || victim == _pid)

#if defined(AGE_ONLY) || defined(SOCKET_AFTER_LOCK)
#define TIME_RULE
bit aged[SLICES]    /* Its owner was stopped for so long that observers take the lock for old. */
byte stops
#define hasAged(slice) (aged[slice] || lock[slice] == DEAD)
#endif
#ifdef SOCKET_AFTER_LOCK
byte socket[SLICES] /* which process listens on the liveness socket at its fixed path */
#endif

/* === Properties 1 and 2, checked whenever a port is handed out ============================== */

/* Through the lock they hold across namespaces. A claim counts in its own namespace only. */
#define isOrphaned(port) (useIn(0, port) == ORPHAN || useIn(1, port) == ORPHAN)
#define isClaimOrphaned(port) (useIn(here, port) == CLAIM_ORPHAN)

#if !defined(PROPERTY) || PROPERTY == 1
#define require1(condition) assert(condition)
#else
#define require1(condition) skip
#endif
#if !defined(PROPERTY) || PROPERTY == 2
#define require2(condition) assert(condition)
#else
#define require2(condition) skip
#endif

inline checkHandOut(port) {
  require1(useIn(0, port) != HELD && useIn(1, port) != HELD && useIn(here, port) != CLAIMED);
  require2(!isOrphaned(port) && !isClaimOrphaned(port))
}

inline checkClaim() {
  require1(useIn(here, 0) != HELD && useIn(here, 0) != CLAIMED);
  require2(useIn(here, 0) != ORPHAN && useIn(here, 0) != CLAIM_ORPHAN)
}

/* === Waiting ================================================================================ */

/*
 * The process that waits longest tries most often. WAITING makes a bound of this: while a process
 * waits, another one is served at most once before it. A turn is one port then. Properties 3 and 4
 * need the bound; 1 and 2 are checked without it, so they do not depend on it.
 */
#ifdef WAITING
/* Sets of processes, a bit for each. */
byte waiting
byte overtaken
byte earlier[PROCESSES] /* the processes that have waited longer than this one */
#define self (1 << _pid)
#ifdef UNFAIR
#define mayTry true
#else
#define mayTry ((earlier[_pid] & overtaken) == 0)
#endif
#define wantsPort (waiting & self)
#define isServed !(waiting & self)
#define isWaiting(process) (waiting & (1 << process))
inline wait() {
  atomic { earlier[_pid] = waiting; waiting = waiting | self }
}
inline stopWaiting() {
  waiting = waiting & ~self;
  overtaken = overtaken & ~self;
  earlier[_pid] = 0;
  earlier[1] = earlier[1] & ~self;
  earlier[2] = earlier[2] & ~self;
  earlier[3] = earlier[3] & ~self;
  earlier[4] = earlier[4] & ~self
}
inline served() {
  overtaken = overtaken | earlier[_pid];
  stopWaiting()
}
#else
#define mayTry true
#define isServed true
#define wantsPort true
#define wait() skip
#define stopWaiting() skip
#define served() skip
#endif

/* Property 3: a dead holder's slice is leased again. */
#ifdef DEAD_IS_LEASED
ltl { [] (lock[0] == DEAD -> <> (lock[0] != DEAD && lock[0] != NONE)) }
#endif

/* Property 4: a process that waits gets a turn, unless it is killed. */
#ifdef GETS_TURN
ltl { [] (isWaiting(GETS_TURN) -> <> !isWaiting(GETS_TURN)) }
#endif

/* === A worker: leases a slice, hands out its ports, gives it back =========================== */

#define sentinelOf(slice) sentinel[here * SLICES + (slice)]
#define portAt(index) (slice * 2 + index)

/*
 * A quarantine begins when the death is discovered, and lasts until no process of the dead run
 * can still bind the port. This models the 30 s.
 */
#ifdef NO_QUARANTINE
#define isQuarantined(index) false
#else
#define isQuarantined(index) (quarantine[index] && isOrphaned(portAt(index)))
#endif

#ifdef NO_CLAIM_LOOK
#define isClaimed(index) false
#else
#define isClaimed(index) (portAt(index) == 0 && claimSocket[here] != NONE && claimSocket[here] != _pid)
#endif
#define isClaimQuarantined(index) (portAt(index) == 0 && claimNoted && isClaimOrphaned(0))

#define mayTake(index) (wantsPort && !out[index] && !isQuarantined(index) && !isClaimed(index) \
  && useIn(here, portAt(index)) != LISTENING)

inline handOut(index) {
  checkHandOut(portAt(index));
#ifndef NO_JOURNAL
  noted[portAt(index)] = 1; /* Before the caller gets the port. */
#endif
  useIn(here, portAt(index)) = HELD;
  out[index] = 1;
  served()
}

inline dropOwnClaim(index) {
  if
  :: portAt(index) == 0 && claimSocket[here] == _pid -> claimSocket[here] = NONE
  :: else
  fi
}

inline release(index) {
  atomic {
    out[index] ->
    out[index] = 0;
    useIn(here, portAt(index)) = FREE;
    noted[portAt(index)] = 0;
    dropOwnClaim(index)
  }
}

/* The liveness sockets of the locks of a dead process refuse; the locks stay. */
inline closeSockets() {
  if
  :: sentinelOf(slice) == _pid -> sentinelOf(slice) = NONE
  :: else
  fi;
  if
  :: claimSocket[here] == _pid -> claimSocket[here] = NONE
  :: else
  fi;
  if
  :: lock[slice] == _pid -> lock[slice] = DEAD
  :: else
  fi
#ifdef SOCKET_AFTER_LOCK
  ;
  if
  :: socket[slice] == _pid -> socket[slice] = NONE
  :: else
  fi
#endif
}

#if defined(SOCKET_AFTER_LOCK)
#define mayBreak(slice) (socket[slice] == NONE && lock[slice] != NONE && hasAged(slice))
#elif defined(AGE_ONLY)
#define mayBreak(slice) (lock[slice] != NONE && hasAged(slice))
#elif defined(NEVER_BROKEN)
#define mayBreak(slice) false
#else
#define mayBreak(slice) (lock[slice] == DEAD)
#endif

proctype Worker(bit here) provided (mayRun) {
  byte slice;
  bit out[2];
  bit quarantine[2]; /* Ports that were out or quarantined when the last holder died. */

start:
  {
    wait();
takeSentinel:
#ifdef NO_SENTINEL
    slice = 0;
#else
    if
    :: atomic { mayTry && sentinelOf(0) == NONE -> slice = 0; sentinelOf(slice) = _pid }
#if SLICES > 1
    :: atomic { mayTry && sentinelOf(1) == NONE -> slice = 1; sentinelOf(slice) = _pid }
#endif
    fi;
#endif

takeLock:
    if
#ifdef NO_LOCK
    :: skip
#endif
    :: atomic {
         lock[slice] == NONE ->
         lock[slice] = _pid
#ifdef TIME_RULE
         ; aged[slice] = 0
#endif
       }
    :: atomic { mayBreak(slice) -> skip };
       /* Unlinks the token of the lock that refused: another lock has another token and stays. */
       atomic {
         if
#ifdef REMOVE_BY_PATH
         :: true -> lock[slice] = NONE
#else
         :: mayBreak(slice) -> lock[slice] = NONE
#endif
         :: else
         fi
       };
       goto takeLock
    :: atomic { lock[slice] != NONE && !mayBreak(slice) -> sentinelOf(slice) = NONE; slice = 0 };
       goto takeSentinel
    fi;

#ifdef SOCKET_AFTER_LOCK
    atomic { socket[slice] = _pid };
#endif

    atomic {
      quarantine[0] = noted[portAt(0)] && isOrphaned(portAt(0));
      quarantine[1] = noted[portAt(1)] && isOrphaned(portAt(1));
      noted[portAt(0)] = quarantine[0];
      noted[portAt(1)] = quarantine[1]
#ifdef NOT_PERSISTED
      ; noted[portAt(0)] = 0; noted[portAt(1)] = 0
#endif
    };

    do
       /* The claim socket is looked at first, then the note: a claimer that dies leaves its note. */
    :: atomic { mayTake(0) -> skip };
       if
       :: atomic { !isClaimQuarantined(0) -> handOut(0) }
       :: atomic { isClaimQuarantined(0) -> skip }
       fi
    :: atomic { !mayTake(0) && mayTake(1) -> handOut(1) }
    :: release(0)
    :: release(1)
#ifdef NO_OWN_CLAIM
    :: atomic { portAt(0) == 0 && claimSocket[here] == NONE -> claimSocket[here] = _pid };
       atomic { sentinelOf(0) == NONE -> skip }
#else
    :: atomic {
         portAt(0) == 0 && claimSocket[here] == NONE && mayTake(0) && !isClaimQuarantined(0) ->
         claimSocket[here] = _pid;
         handOut(0)
       }
#endif
    :: atomic { !out[0] && !out[1] && isServed -> break }
    od;

    atomic {
      quarantine[0] = 0; quarantine[1] = 0;
#ifdef SOCKET_AFTER_LOCK
      if
      :: socket[slice] == _pid -> socket[slice] = NONE
      :: else
      fi;
#endif
      if
      :: lock[slice] == _pid -> lock[slice] = NONE
      :: else
      fi
    };
    atomic { sentinelOf(slice) = NONE; slice = 0 };
    goto start
  } unless {
    atomic {
      victim == _pid ->
      victim = NONE;
      stopWaiting();
      closeSockets();
      if
      :: out[0] -> useIn(here, portAt(0)) = ORPHAN
      :: else
      fi;
      if
      :: out[1] -> useIn(here, portAt(1)) = ORPHAN
      :: else
      fi;
      out[0] = 0; out[1] = 0; quarantine[0] = 0; quarantine[1] = 0; slice = 0;
      goto start
    }
  }
}

/* === A claimer: waits for port 0, holds it, gives it back =================================== */

#ifdef CLAIM_NOT_QUARANTINED
#define isClaimable true
#else
#define isClaimable (!(noted[0] && isOrphaned(0)) && !(claimNoted && isClaimOrphaned(0)))
#endif

proctype Claimer(bit here) provided (mayRun) {
  bit has;
start:
  {
    wait();
takeSocket:
    atomic { mayTry && claimSocket[here] == NONE -> claimSocket[here] = _pid };
    if
    :: atomic { sentinelOf(0) == NONE && useIn(here, 0) != LISTENING -> skip }
#ifdef NO_SENTINEL_LOOK
    :: true
#endif
    :: atomic { sentinelOf(0) != NONE || useIn(here, 0) == LISTENING -> claimSocket[here] = NONE };
       goto takeSocket
    fi;
    if
    :: atomic {
         isClaimable -> 
#ifndef CLAIM_NOT_NOTED
         claimNoted = 1
#endif
       }
    :: atomic { !isClaimable -> claimSocket[here] = NONE };
       goto takeSocket
    fi;
    atomic { checkClaim(); useIn(here, 0) = CLAIMED; has = 1; served() };

    atomic { useIn(here, 0) = FREE; has = 0; claimNoted = 0 };
    atomic { claimSocket[here] = NONE };
    goto start
  } unless {
    atomic {
      victim == _pid ->
      victim = NONE;
      stopWaiting();
      if
      :: claimSocket[here] == _pid -> claimSocket[here] = NONE
      :: else
      fi;
      if
      :: has -> useIn(here, 0) = CLAIM_ORPHAN
      :: else
      fi;
      has = 0;
      goto start
    }
  }
}

/* === Events from outside ==================================================================== */

inline kill(process) {
  kills < MAX_KILLS -> kills++; victim = process
}

inline stop(slice) {
  stops < MAX_STOPS && lock[slice] != NONE && lock[slice] != DEAD && !aged[slice] ->
  stops++; aged[slice] = 1
}

proctype Fate() provided (mayRun) {
  do
  :: atomic { kill(1) }
  :: atomic { kill(2) }
  :: atomic { kill(3) }
#if WORKERS > 2
  :: atomic { kill(4) }
#endif
#ifdef TIME_RULE
  :: atomic { stop(0) }
#if SLICES > 1
  :: atomic { stop(1) }
#endif
#endif
  :: break
  od
}

/* The app of a dead run may bind its port late, and ends at some time. */
inline live(port) {
  if
  :: use[port] == ORPHAN || use[port] == CLAIM_ORPHAN -> use[port] = LISTENING
  :: use[port] == ORPHAN || use[port] == CLAIM_ORPHAN || use[port] == LISTENING -> use[port] = FREE
  fi
}

proctype Orphans() provided (mayRun) {
end:
  do
  :: atomic { live(0) }
  :: atomic { live(1) }
  :: atomic { live(PORTS) }
  :: atomic { live(PORTS + 1) }
#if SLICES > 1
  :: atomic { live(2) }
  :: atomic { live(3) }
  :: atomic { live(PORTS + 2) }
  :: atomic { live(PORTS + 3) }
#endif
  od
}

init {
  atomic {
    run Worker(0);
    run Worker(1);
    run Claimer(0);
#if WORKERS > 2
    run Worker(0);
#endif
    run Fate();
    run Orphans()
  }
}
