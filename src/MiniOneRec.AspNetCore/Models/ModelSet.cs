using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>Which models are in memory and what each of them does; immutable.</summary>
internal sealed record ModelSet
{
    public static ModelSet Empty { get; } = new();

    public ImmutableDictionary<string, ServedModel> Loaded { get; init; } = ImmutableDictionary.Create<string,
        ServedModel>(StringComparer.Ordinal);

    public string? Active { get; init; }

    public string? Previous { get; init; }

    public string? Candidate { get; init; }

    /// <summary>Gets the share of users that <see cref="Candidate"/> answers.</summary>
    public double Share { get; init; }

    public string? Shadow { get; init; }

    /// <summary>Gets which model has which part.</summary>
    public ModelParts Parts => new() { Active = Active, Previous = Previous, Candidate = Candidate, Share = Share, Shadow = Shadow };

    /// <summary>Gets whether a model has a part, so that it may not be unloaded.</summary>
    public bool IsUsed(string name) => name == Active || name == Previous || name == Candidate || name == Shadow;

    /// <summary>Gets the model that answers a user: the same one for the same user as long as candidate and share stay.</summary>
    public string? Route(string user) => Candidate is not null && Position(Candidate, user) < Share ? Candidate : Active;

    /// <summary>Gets a number of at least 0 and less than 1 that depends on candidate and user, evenly spread over users.</summary>
    internal static double Position(string candidate, string user) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8
            .GetBytes($"{candidate}\n{user}"))) >> 11) / (double)(1UL << 53);
}
