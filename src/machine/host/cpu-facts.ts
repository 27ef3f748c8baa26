/** What decides how fast a host's CPUs run, from sysfs. null = the host does not say. */
import type { FileReader } from '../../base/process/files.js';

const CPU = '/sys/devices/system/cpu';

/** Where each fact is looked for, for the reason when it is not there. */
export const CPU_FACT_PLACES = {
  governor: `${CPU}/cpu*/cpufreq/scaling_governor`,
  turbo: `${CPU}/intel_pstate/no_turbo and ${CPU}/cpufreq/boost`,
  smt: `${CPU}/smt/control`,
} as const;

/** True when the clock may rise above its nominal rate. */
export function turboOf(files: FileReader): boolean | null {
  const off = files.text(`${CPU}/intel_pstate/no_turbo`);
  if (off !== null) return off === '0';
  const boost = files.text(`${CPU}/cpufreq/boost`);
  return boost === null ? null : boost === '1';
}

/** Frequency governors of the CPUs, each once. */
export function governorsOf(files: FileReader, cpus: readonly number[]): string[] {
  const all = cpus.flatMap((cpu) => files.text(`${CPU}/cpu${cpu}/cpufreq/scaling_governor`) ?? []);
  return [...new Set(all)];
}

/** As the kernel words it: "on", "off", "forceoff", "notsupported" or "notimplemented". */
export function smtOf(files: FileReader): string | null {
  return files.text(`${CPU}/smt/control`);
}

/** Numbers of the CPUs that the kernel has. */
export function cpuNumbers(files: FileReader): number[] {
  const numbers = files.list(CPU).flatMap((name) => /^cpu(\d+)$/.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

/** What mitigates each vulnerability, by its name. */
export function mitigationsOf(files: FileReader): Record<string, string> {
  const folder = `${CPU}/vulnerabilities`;
  const found = files.list(folder).flatMap((name): [string, string][] => {
    const text = files.text(`${folder}/${name}`);
    return text === null ? [] : [[name, text]];
  });
  return Object.fromEntries(found);
}
