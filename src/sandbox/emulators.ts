import { createBluesky } from './bluesky/index.ts'
import type { Emulator, EmulatorTools } from './emulator.ts'

/** Every platform that the sandbox can emulate. */
export const createEmulators: readonly ((tools: EmulatorTools) => Emulator)[] = [createBluesky]
