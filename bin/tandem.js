#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node cannot load the TypeScript sources, and must still be able to say so.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  const { main } = await import('../src/main.ts');
  await main();
} else {
  process.stderr.write(
    `tandem needs Node.js 22.19 or newer, this is ${process.version}; in a checkout, "npm run tandem --" brings its own.\n`,
  );
  process.exitCode = 2;
}
