using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Reports;

namespace MiniOneRec.Benchmarks;

/// <summary>The medians of one class on one machine.</summary>
/// <param name="Class">The benchmark class.</param>
/// <param name="Date">When it ran.</param>
/// <param name="Rows">One a method and set of parameters.</param>
internal sealed record RecordedClass(string Class, string Date, IReadOnlyList<RecordedRow> Rows);

/// <summary>One measurement.</summary>
/// <param name="Method">The method.</param>
/// <param name="Parameters">The parameters, or empty.</param>
/// <param name="IsBaseline">Whether others are compared with it.</param>
/// <param name="Microseconds">The median.</param>
/// <param name="Ratio">The median over that of the baseline with the same parameters.</param>
/// <param name="AllocatedBytes">Managed memory.</param>
internal sealed record RecordedRow(
    string Method, string Parameters, bool IsBaseline, double Microseconds, double? Ratio, long? AllocatedBytes);

/// <summary>Keeps the medians of benchmarks in a folder by processor, with a page of tables.</summary>
internal static class RecordedResults
{
    private const string Page = "README.md";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, NewLine = "\n", DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Writes one file a class, then the page of all files that the folder holds.</summary>
    /// <param name="results">The folder of all machines.</param>
    /// <param name="summaries">What ran.</param>
    /// <returns>The exit code: 1 where a benchmark failed.</returns>
    public static int Write(string results, IEnumerable<Summary> summaries)
    {
        string processor = Processor(), folder = Directory.CreateDirectory(Path.Combine(results, Slug(processor))).FullName;
        bool failed = false;
        foreach (var group in summaries.SelectMany(summary => summary.Reports)
            .GroupBy(report => report.BenchmarkCase.Descriptor.Type.Name, StringComparer.Ordinal))
        {
            BenchmarkReport[] measured = [.. group.Where(report => report.ResultStatistics is not null)];
            failed |= measured.Length < group.Count();
            if (measured.Length > 0)
            {
                string date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
                var record = new RecordedClass(group.Key, date, [.. measured.Select(report => RowOf(report, measured))]);
                File.WriteAllText(Path.Combine(folder, group.Key + ".json"), JsonSerializer.Serialize(record, Json) + "\n");
            }
        }

        File.WriteAllText(Path.Combine(folder, Page), Text(processor, folder));
        Console.WriteLine($"{folder}: {Directory.GetFiles(folder, "*.json").Length} classes");
        return failed ? 1 : 0;
    }

    /// <summary>Gets the folder's name of a processor.</summary>
    /// <param name="processor">The name that the processor gives itself.</param>
    public static string Slug(string processor)
    {
        string plain = processor.Replace("(R)", "", StringComparison.OrdinalIgnoreCase)
            .Replace("(TM)", "", StringComparison.OrdinalIgnoreCase);
        var text = new StringBuilder();
        foreach (char letter in plain.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(letter))
            {
                text.Append(letter);
            }
            else if (text.Length > 0 && text[^1] != '-')
            {
                text.Append('-');
            }
        }

        return text.ToString().TrimEnd('-') is { Length: > 0 } slug ? slug : "unknown";
    }

    private static RecordedRow RowOf(BenchmarkReport report, BenchmarkReport[] all)
    {
        var here = report.BenchmarkCase;
        string[] categories = here.Descriptor.Categories;
        var baseline = all.FirstOrDefault(other => other.BenchmarkCase.Descriptor.Baseline
            && other.BenchmarkCase.Parameters.DisplayInfo == here.Parameters.DisplayInfo
            && other.BenchmarkCase.Descriptor.Categories.SequenceEqual(categories));
        double median = report.ResultStatistics!.Median;
        return new RecordedRow(
            here.Descriptor.WorkloadMethod.Name,
            here.Parameters.DisplayInfo.Trim('[', ']'),
            here.Descriptor.Baseline,
            Rounded(median / 1000),
            baseline is null ? null : Rounded(median / baseline.ResultStatistics!.Median),
            report.GcStats.GetBytesAllocatedPerOperation(here));
    }

    private static string Text(string processor, string folder)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Benchmarks on {processor}, {Environment.ProcessorCount} cores\n\n```\n");
        text.Append("dotnet run -c Release --project benchmarks/MiniOneRec.Benchmarks -- record\n```\n\n");
        text.Append("Medians of five short iterations. Each ratio is to the baseline above it, with the same parameters. ");
        text.Append("Written by the command; what each class measures stands in [its project](../../MiniOneRec.Benchmarks/README.md).\n");
        foreach (string file in Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            var record = JsonSerializer.Deserialize<RecordedClass>(File.ReadAllText(file), Json)!;
            text.Append(CultureInfo.InvariantCulture, $"\n## {record.Class}\n\n{record.Date}\n\n");
            text.Append("| method | parameters | median, µs | ratio | managed bytes |\n|---|---|---|---|---|\n");
            foreach (var row in record.Rows)
            {
                string method = row.IsBaseline ? $"**{row.Method}**" : row.Method;
                text.Append(CultureInfo.InvariantCulture,
                    $"| {method} | {row.Parameters} | {row.Microseconds:#,0.###} | {row.Ratio:0.###} | {row.AllocatedBytes:#,0} |\n");
            }
        }

        return text.ToString();
    }

    // Three figures: more would change with every run.
    private static double Rounded(double value) =>
        double.Parse(value.ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Processor()
    {
        const string Cpu = "/proc/cpuinfo";
        string? line = File.Exists(Cpu)
            ? File.ReadLines(Cpu).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
    }
}
