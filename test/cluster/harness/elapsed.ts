/** Says each step with the seconds since the beginning. */
export function elapsed(output: NodeJS.WritableStream): (text: string) => void {
  const begin = performance.now();
  return (text) => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    output.write(`${String(seconds).padStart(3)} s  ${text}\n`);
  };
}
