#!/usr/bin/env node
// Starts the compiled copy if this is an installed package, else the TypeScript sources as they are.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `Belfry needs Node 22.18 or newer; this is ${process.versions.node}. In a checkout use "npm start" or "npm run belfry -- COMMAND", which bring their own Node.\n`,
  )
  process.exit(1)
}

const compiled = new URL('../dist/cli/belfry.js', import.meta.url)
await import(existsSync(compiled) ? compiled.href : new URL('../src/cli/belfry.ts', import.meta.url).href)
