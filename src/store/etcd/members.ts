import { type IDefaultPolicyContext, NoopPolicy } from 'cockatiel';
import { failureOf } from './errors.ts';

/** How long a member that did not answer is asked last. */
const avoidedMs = 15_000;

/**
 * etcd3 asks a random member. Where one hangs, or has lost its peers and not its clients, every so manieth call would wait
 * for its deadline there: such a member is passed over for a while, as long as there is another one.
 * Not a circuit breaker: those refuse calls that nobody else takes.
 */
export function passingOver(endpoints: readonly string[]): (endpoint: string) => NoopPolicy {
  const avoidedUntil = new Map<string, number>();
  const isAvoided = (endpoint: string): boolean => (avoidedUntil.get(endpoint) ?? 0) > performance.now();
  return (endpoint) =>
    new MemberPolicy({
      isPassedOver: () => isAvoided(endpoint) && !endpoints.every(isAvoided),
      answered: () => void avoidedUntil.delete(endpoint),
      silent: () => void avoidedUntil.set(endpoint, performance.now() + avoidedMs),
    });
}

interface Member {
  isPassedOver(): boolean;
  answered(): void;
  silent(): void;
}

class MemberPolicy extends NoopPolicy {
  readonly #member: Member;

  constructor(member: Member) {
    super();
    this.#member = member;
  }

  /** A refusal before the call makes etcd3 ask the next member. */
  override async execute<T>(
    call: (context: IDefaultPolicyContext) => PromiseLike<T> | T,
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#member.isPassedOver()) throw new Error('No connection established: the member is passed over');
    try {
      const answer = await super.execute(call, signal);
      this.#member.answered();
      return answer;
    } catch (error) {
      if (failureOf(error) !== 'refused') this.#member.silent();
      throw error;
    }
  }
}
