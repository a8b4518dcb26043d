using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes;

/// <summary>Tells the data of two runs apart.</summary>
internal static class RecipeFingerprint
{
    /// <summary>Hashes everything that a recipe reads: items with their texts, semantic IDs, sequences, rows, and the file of
    /// vectors.</summary>
    public static async Task<string> OfAsync(SplitDataset data, string? embeddings, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(text));
            hash.AppendData([0]);
        }

        Add(data.Name);
        Add(data.Split);
        Add(data.Index?.Fingerprint ?? "");
        foreach (var item in data.Items)
        {
            Add(item.Id);
            Add(ItemText.Describe(item));
        }

        foreach (var sequence in data.TrainSequences)
        {
            Add(sequence.UserId);
            Add(string.Join('\t', sequence.ItemIds));
            Add(string.Join(' ', (sequence.Weights ?? []).Select(weight => weight.ToString("R", CultureInfo.InvariantCulture))));
            Add(sequence.EventTypes is { } events ? string.Join('\t', events) : "");
        }

        foreach (var row in data.Train.Concat(data.Validation).Concat(data.Test))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Add(row.UserId);
            Add(string.Join('\t', row.History));
            Add(row.Target);
        }

        if (embeddings is not null)
        {
            Add(await ArtifactManifest.HashFileAsync(embeddings, cancellationToken).ConfigureAwait(false));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
