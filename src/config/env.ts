import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'

export type Env = Readonly<Record<string, string | undefined>>

/** The only reader of the environment. A `.env` file in the working directory is read in development; what is set already wins. */
export function readEnv(): Env {
  if (process.env['NODE_ENV'] !== 'production' && existsSync('.env')) loadEnvFile('.env')
  return process.env
}
