// Analyse a study in shards and merge them:
//
//     nextflow run examples/nextflow/main.nf --videos videos --out results --shards 4
//
// With -resume, completed shards are not run again.

params.videos = 'videos'
params.out = 'results'
params.shards = 4

process ANALYZE {
    tag "${shard}/${shards}"

    input:
    path videos
    each shard
    val shards

    output:
    path 'features.shard-*'

    // Exit code 1 says that some recordings failed. Their rows say why; the shard is complete.
    script:
    """
    tapscope analyze '${videos}' --out features.csv --shard ${shard}/${shards} --quiet || [ \$? -eq 1 ]
    """
}

process MERGE {
    publishDir params.out, mode: 'copy'

    input:
    path results

    output:
    path 'features.csv'
    path 'features.tapscope'

    script:
    """
    tapscope merge features.shard-*-of-*.csv --out features.csv
    """
}

workflow {
    shards = (1..params.shards).toList()
    ANALYZE(file(params.videos, checkIfExists: true), shards, params.shards)
    MERGE(ANALYZE.out.collect())
}
