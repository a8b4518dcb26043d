namespace MiniOneRec.AspNetCore;

/// <summary>A request that is refused, as Problem Details (RFC 9457) will say it.</summary>
internal sealed class ServingProblem(int status, string kind, string title, string detail) : Exception(detail)
{
    public int Status => status;

    /// <summary>Gets the last part of the problem's type.</summary>
    public string Kind => kind;

    public string Title => title;

    /// <summary>Gets after how many seconds the caller may try again; 0 for none.</summary>
    public int RetryAfterSeconds { get; init; }

    public static ServingProblem Malformed(string detail) => new(400, "malformed", "The request cannot be read", detail);

    public static ServingProblem NotFound(string detail) => new(404, "not-found", "Not found", detail);

    public static ServingProblem Conflict(string detail) => new(409, "conflict", "The request conflicts with the present state", detail);

    public static ServingProblem TooLarge(int most) => new(413, "too-large", "The body is too large",
        $"The body is larger than {most} bytes.");

    public static ServingProblem Invalid(string detail) => new(422, "invalid", "The request asks for what cannot be", detail);

    public static ServingProblem Busy(string detail) => new(429, "busy", "Too many requests", detail) { RetryAfterSeconds = 1 };

    public static ServingProblem Unavailable(string kind, string detail) =>
        new(503, kind, "The server does not take requests now", detail) { RetryAfterSeconds = 2 };

    public static ServingProblem Late() =>
        new(504, "late", "The answer would be too late", "The deadline passed before the answer was there.");
}

/// <summary>Problem Details as JSON.</summary>
/// <param name="Type">The kind of problem.</param>
/// <param name="Title">The same in words.</param>
/// <param name="Status">The status code.</param>
/// <param name="Detail">What is wrong and what was expected.</param>
internal sealed record ProblemBody(string Type, string Title, int Status, string Detail);
