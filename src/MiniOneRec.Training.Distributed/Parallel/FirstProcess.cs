using System.Runtime.ExceptionServices;
using System.Text;

namespace MiniOneRec.Training.Distributed;

/// <summary>Work of any length that the first process does alone while the others wait.</summary>
/// <remarks>The processes meet about once a second, so that no deadline passes, a process that has ended is noticed, and a request to stop
/// reaches the first from whichever process had it.</remarks>
internal static class FirstProcess
{
    private const string SharedKey = "MiniOneRec.Training.Distributed.Shared";
    private const byte Stops = 1, IsOver = 2;
    private const byte Done = 0, Cancelled = 1, Failed = 2;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>Does something on the first process; the others wait until it is done.</summary>
    /// <param name="parallel">The processes, none of which has an operation of the group under way.</param>
    /// <param name="work">The work; it must not use the group.</param>
    /// <param name="cancellationToken">Stops the work, on whichever process it is cancelled.</param>
    /// <returns>The result on the first process, the default value on the others.</returns>
    /// <exception cref="ProcessGroupException">The work failed on the first process; there the error itself is thrown. Or a process has
    /// ended.</exception>
    /// <exception cref="OperationCanceledException">The work was stopped; all processes throw it.</exception>
    public static async Task<T?> OnFirstAsync<T>(
        this ParallelRun parallel, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (parallel.IsAlone)
        {
            return await work(cancellationToken).ConfigureAwait(false);
        }

        using var stop = new CancellationTokenSource();
        var running = parallel.IsFirst ? Task.Run(() => work(stop.Token), CancellationToken.None) : Task.FromResult<T>(default!);
        try
        {
            var pause = FirstPause;
            for (bool over = false; !over; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
            {
                var waiting = Task.Delay(pause, CancellationToken.None);
                await (parallel.IsFirst ? Task.WhenAny(running, waiting) : waiting).ConfigureAwait(false);
                int own = (cancellationToken.IsCancellationRequested ? Stops : 0) | (parallel.IsFirst && running.IsCompleted ? IsOver : 0);
                byte[] all = parallel.Group.GatherEqual<byte>([(byte)own]);
                over = (all[0] & IsOver) != 0;
                if (parallel.IsFirst && Array.Exists(all, state => (state & Stops) != 0))
                {
                    await stop.CancelAsync().ConfigureAwait(false);
                }
            }
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            _ = running.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            throw;
        }

        return await OutcomeAsync(parallel, running, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="OnFirstAsync{T}"/>
    public static Task OnFirstAsync(this ParallelRun parallel, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
        parallel.OnFirstAsync(async token =>
        {
            await work(token).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Does something on every process, and fails on all of them where it fails on one.</summary>
    /// <param name="parallel">The processes.</param>
    /// <param name="work">The work; it must not use the group.</param>
    /// <exception cref="ProcessGroupException">The work failed on another process; the message names its rank.</exception>
    public static async Task<T> OnAllAsync<T>(this ParallelRun parallel, Func<Task<T>> work)
    {
        Exception? error = null;
        T result = default!;
        try
        {
            result = await work().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Thrown again below, when the others know.
        catch (Exception e) when (!parallel.IsAlone)
#pragma warning restore CA1031
        {
            error = e;
        }

        string?[] all = parallel.Gather<string?>([error?.Message]);
        if (error is not null)
        {
            ExceptionDispatchInfo.Throw(Shared(error));
        }

        int rank = Array.FindIndex(all, message => message is not null);
        return rank < 0 ? result
            : throw Shared(new ProcessGroupException($"Rank {rank} failed: {all[rank]}") { FailedRank = rank });
    }

    /// <summary>Returns whether every process of the group leaves with an exception, so that they can end the group together.</summary>
    public static bool IsShared(Exception error) =>
        error is TrainingDivergedException or OperationCanceledException or ProcessGroupException || error.Data.Contains(SharedKey);

    /// <summary>Returns whether the first process throws the same or what caused it, so that the others need not tell of it.</summary>
    public static bool IsToldByFirst(Exception error) =>
        IsShared(error) && (error is not ProcessGroupException { FailedRank: 0 } || error.Data.Contains(SharedKey));

    /// <summary>Notes that every process leaves with an exception.</summary>
    public static T Shared<T>(T error)
        where T : Exception
    {
        error.Data[SharedKey] = true;
        return error;
    }

    private static async Task<T?> OutcomeAsync<T>(ParallelRun parallel, Task<T> running, CancellationToken cancellationToken)
    {
        byte[] told = !parallel.IsFirst || running.IsCompletedSuccessfully ? [Done]
            : running.IsCanceled ? [Cancelled]
            : [Failed, .. Encoding.UTF8.GetBytes(running.Exception!.InnerException!.Message)];
        told = parallel.Group.Gather(told)[0];
        if (told[0] == Done)
        {
            return await running.ConfigureAwait(false);
        }

        if (told[0] == Cancelled)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (parallel.IsFirst)
        {
            ExceptionDispatchInfo.Throw(Shared(running.Exception!.InnerException!));
        }

        throw Shared(new ProcessGroupException($"Rank 0 failed: {Encoding.UTF8.GetString(told.AsSpan(1))}") { FailedRank = 0 });
    }
}
