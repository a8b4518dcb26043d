using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Reads <c>.inter.json</c> files: user id to the list of item ids in time order, <c>{"0": [0, 1, 2], …}</c>.</summary>
public static class InterJsonReader
{
    private const string Expected = "a JSON object of user id to list of item ids";

    /// <summary>Reads sequences one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or no such object; the message names file, line and key.</exception>
    public static IAsyncEnumerable<UserSequence> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, cancellationToken);

    /// <summary>Reads sequences one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a value may be, or <see langword="null"/> for the
    /// defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is bad or above a limit; the message names file, line and column or key.</exception>
    public static async IAsyncEnumerable<UserSequence> ReadAsync(
        string path, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var member in JsonObjectStream.ReadAsync(path, "Interaction file", Expected, limits ?? ReadLimits.Default,
            cancellationToken).ConfigureAwait(false))
        {
            if (member.Value.ValueKind != JsonValueKind.Array)
            {
                throw DataFile.Bad(path, member.Line, member.Name,
                    $"{member.Value.ValueKind} {DataFile.Show(member.Value.GetRawText())}; expected a list of item ids.");
            }

            yield return new UserSequence(member.Name, [.. member.Value.EnumerateArray().Select(item => JsonIds.Read(item)
                ?? throw DataFile.Bad(path, member.Line, member.Name,
                    $"{DataFile.Show(item.GetRawText())} is no item id; expected an integer or a string."))]);
        }
    }
}
