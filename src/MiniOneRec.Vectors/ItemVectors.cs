using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Vectors;

/// <summary>The vectors of a catalogue's items from one or more named sources: of their texts, of behaviour, of images.</summary>
/// <remarks>
/// All sources have the same rows in the same order. A row may be missing in any source. Immutable, and so safe for concurrent use.
/// </remarks>
public sealed partial class ItemVectors
{
    private readonly ItemRows _rows;
    private readonly VectorSource[] _sources;
    private readonly Lazy<string> _fingerprint;

    /// <summary>Puts sources together.</summary>
    /// <param name="sources">The sources, names unique; the first one's items are the catalogue, the others are aligned to it.</param>
    /// <exception cref="ArgumentException">No sources, a name twice, or a source that knows no item of the first one.</exception>
    public ItemVectors(params IReadOnlyList<VectorSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Count == 0)
        {
            throw new ArgumentException("Item vectors need at least one source.", nameof(sources));
        }

        _rows = sources[0].Rows;
        _sources = [.. sources.Select(source => source.AlignTo(_rows))];
        if (_sources.GroupBy(source => source.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"There are {twice.Count()} sources of the name '{twice.Key}'; each name may occur once.",
                nameof(sources));
        }

        _fingerprint = new Lazy<string>(() => Convert.ToHexStringLower(SHA256.HashData(
            Encoding.UTF8.GetBytes(string.Concat(_sources.Select(source => $"{source.Name}={source.Fingerprint}\n"))))));
    }

    /// <summary>Gets the items' ids by row.</summary>
    public IReadOnlyList<string> ItemIds => _rows.Ids;

    /// <summary>Gets N, the number of items.</summary>
    public int Count => _rows.Ids.Count;

    /// <summary>Gets the sources in the order in which they were given.</summary>
    public IReadOnlyList<VectorSource> Sources => _sources;

    /// <summary>Gets a SHA-256 over names, ids and vectors, in hexadecimal.</summary>
    public string Fingerprint => _fingerprint.Value;

    /// <summary>Gets a source.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is no such source; the message lists those that there are.</exception>
    public VectorSource this[string name] => Find(name) ?? throw new KeyNotFoundException(
        $"There is no source '{name}' of item vectors; "
        + $"there {(_sources.Length == 1 ? "is" : "are")} {string.Join(", ", _sources.Select(source => $"'{source.Name}'"))}.");

    /// <summary>Gets a source, or <see langword="null"/> where there is none of that name.</summary>
    /// <param name="name">Its name.</param>
    public VectorSource? Find(string name) => Array.Find(_sources, source => source.Name == name);

    /// <summary>Adds a source, or replaces the one of the same name.</summary>
    /// <param name="source">The source; its rows are aligned to these items.</param>
    /// <exception cref="ArgumentException">The source knows no item of these.</exception>
    public ItemVectors With(VectorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var aligned = source.AlignTo(_rows);
        return new ItemVectors(Find(source.Name) is null
            ? [.. _sources, aligned]
            : [.. _sources.Select(present => present.Name == source.Name ? aligned : present)]);
    }

    /// <summary>
    /// Orders the rows as another catalogue does; unknown items become missing rows, and items that the catalogue lacks are left out.
    /// </summary>
    /// <param name="itemIds">The catalogue's ids, unique.</param>
    /// <exception cref="ArgumentException">A source has a vector for none of the items: the vectors are of another catalogue.</exception>
    public ItemVectors AlignTo(IReadOnlyList<string> itemIds)
    {
        var rows = new ItemRows(itemIds);
        return rows.SameAs(_rows) ? this : new ItemVectors([.. _sources.Select(source => source.AlignTo(rows))]);
    }

    /// <summary>Combines sources into one: each is whitened, scaled, and written beside the others.</summary>
    /// <remarks>
    /// A source that is simply appended to another one decides every distance where its numbers are larger or its directions fewer. After
    /// whitening and division by the root of its width, a source's vectors have a mean squared length of 1, so that the weight says how
    /// much of the squared distance is its share. An item that one source lacks has that source's mean (0) there; an item is missing where
    /// all sources lack it.
    /// </remarks>
    /// <param name="name">The name of the result.</param>
    /// <param name="parts">Names of sources with weights above 0, and what is done to each.</param>
    /// <exception cref="ArgumentException">No parts, a source twice, or a weight that is not a positive number.</exception>
    /// <exception cref="KeyNotFoundException">There is no source of that name.</exception>
    public VectorSource Combine(string name, params IReadOnlyList<VectorPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        VectorSource.CheckName(name);
        if (parts.Count == 0 || parts.DistinctBy(part => part.Source).Count() < parts.Count)
        {
            throw new ArgumentException("A combination needs at least one source, and each source once.", nameof(parts));
        }

        if (parts.FirstOrDefault(part => !(part.Weight > 0 && float.IsFinite(part.Weight))) is { } bad)
        {
            throw new ArgumentException($"The weight of source '{bad.Source}' is {bad.Weight}; expected a positive number.", nameof(parts));
        }

        VectorSource[] white = [.. parts.Select(part => this[part.Source].Whiten(part.Width, part.Ridge))];
        int width = white.Sum(source => source.Width);
        float[] values = new float[checked(Count * width)];
        bool[] present = new bool[Count];
        for (int part = 0, at = 0; part < white.Length; at += white[part++].Width)
        {
            float scale = parts[part].Weight / MathF.Sqrt(white[part].Width);
            for (int row = 0; row < Count; row++)
            {
                present[row] |= white[part].Has(row);
                VectorMath.AddScaled(values.AsSpan(row * width + at, white[part].Width), white[part][row], scale);
            }
        }

        return new VectorSource(name, _rows, width, values, present);
    }
}

/// <summary>Specifies what a source gives to a combination (<see cref="ItemVectors.Combine"/>).</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Weight">Its weight, above 0: the root of its share in the squared distance between two items.</param>
/// <param name="Width">How many leading directions are kept, or <see langword="null"/> for all.</param>
/// <param name="Ridge">The ridge of the whitening (see <see cref="VectorTransforms.Whiten"/>).</param>
public sealed record VectorPart(string Source, float Weight = 1, int? Width = null, double Ridge = VectorTransforms.DefaultRidge);
