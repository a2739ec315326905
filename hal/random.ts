/** Random numbers, for back-off and the like; MUST differ from device to device. Not for keys. */

export interface Random {
  /** A whole number from 0 to 2^32 - 1, each as likely. */
  uint32(): number;
}
