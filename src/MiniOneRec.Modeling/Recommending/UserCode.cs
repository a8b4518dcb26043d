namespace MiniOneRec.Modeling;

/// <summary>Tracks on which logical call an application's own code runs inside a recommender, so that calls back into it fail instead of
/// waiting for themselves.</summary>
internal sealed class UserCode
{
    private static readonly AsyncLocal<UserCode?> Current = new();
    private readonly object _owner;
    private readonly string _kind;
    private readonly UserCode? _outer;
    private volatile bool _ended;

    private UserCode(object owner, string kind, UserCode? outer) => (_owner, _kind, _outer) = (owner, kind, outer);

    /// <summary>Marks the calling context as running code of the application.</summary>
    /// <param name="owner">The recommender that calls the code.</param>
    /// <param name="kind">What the code is: a filter, a prior, a fallback.</param>
    /// <returns>Restores the context when disposed, on the same thread.</returns>
    public static Mark Enter(object owner, string kind)
    {
        var outer = Current.Value;
        var entered = new UserCode(owner, kind, outer);
        Current.Value = entered;
        return new Mark(entered);
    }

    /// <summary>Gets what kind of code of a recommender the calling context is in, or <see langword="null"/> for none.</summary>
    public static string? KindInside(object owner)
    {
        for (var at = Current.Value; at is not null; at = at._outer)
        {
            if (!at._ended && ReferenceEquals(at._owner, owner))
            {
                return at._kind;
            }
        }

        return null;
    }

    /// <summary>Refuses a call from inside code that the recommender itself waits for.</summary>
    /// <param name="owner">The recommender.</param>
    /// <param name="call">The member that was called.</param>
    /// <param name="allowed">A kind of code that may make the call.</param>
    /// <exception cref="InvalidOperationException">The calling context is inside such code.</exception>
    public static void Refuse(object owner, string call, string? allowed = null)
    {
        if (KindInside(owner) is { } kind && kind != allowed)
        {
            throw new InvalidOperationException(
                $"{call} was called from inside a {kind} of the same recommender, which would wait for itself.");
        }
    }

    internal readonly struct Mark : IDisposable
    {
        private readonly UserCode? _entered;

        internal Mark(UserCode entered) => _entered = entered;

        public void Dispose()
        {
            if (_entered is { } entered)
            {
                entered._ended = true;                              // for work that the code started and left behind
                Current.Value = entered._outer;
            }
        }
    }
}
