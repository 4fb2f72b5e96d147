/** A process that runs for a part of the time only, as on a machine that is so much slower. */

// Milliseconds: short enough that nobody takes it for dead, and a timer of Node keeps one.
const RUNNING = 2;
const STOPPED = 18;

/** The answer lets it run again. */
export function slowed(pid: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    process.kill(pid, 'SIGSTOP');
    timer = setTimeout(go, STOPPED);
  };
  const go = (): void => {
    process.kill(pid, 'SIGCONT');
    timer = setTimeout(stop, RUNNING);
  };
  go();
  return () => {
    clearTimeout(timer);
    process.kill(pid, 'SIGCONT');
  };
}
